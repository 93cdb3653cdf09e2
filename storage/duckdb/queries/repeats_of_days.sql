-- The bounds let the zone maps of occurred_at skip every other day.
INSERT INTO repeat
SELECT batch."offset"
FROM batch JOIN events USING (app_code, event_key)
WHERE batch.id_given AND batch.time_given
    AND events.occurred_at >= $first_day::DATE AND events.occurred_at < $last_day::DATE + INTERVAL 1 DAY
    AND events.occurred_at::DATE = batch.occurred_at::DATE
