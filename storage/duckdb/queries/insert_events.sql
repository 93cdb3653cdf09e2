INSERT INTO events BY NAME
SELECT
    $position AS position,
    $log_id AS log_id,
    * EXCLUDE (id_given, is_untimely, rejected_code, rejected_raw, rejected_reason)
        REPLACE (nullif(client_time, occurred_at) AS client_time),
    client_time IS NOT NULL AS time_given
FROM batch ANTI JOIN repeat USING ("offset")
WHERE rejected_code IS NULL
