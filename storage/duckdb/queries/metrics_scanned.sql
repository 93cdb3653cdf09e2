-- What stands for `whose` is the condition on the user in reader.py.
SELECT
    (SELECT coalesce(max(position), 0) FROM ledger),
    count(*)
FROM events
WHERE app_code = $app_code AND filtered IS NULL
    AND {whose}
    AND occurred_at >= $from_time AND occurred_at < $to_time
