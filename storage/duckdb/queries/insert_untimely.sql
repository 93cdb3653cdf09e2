INSERT INTO untimely
SELECT app_code, event_key, client_time
FROM batch ANTI JOIN repeat USING ("offset")
WHERE is_untimely AND rejected_code IS NULL
