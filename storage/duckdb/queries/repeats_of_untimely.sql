INSERT INTO repeat
SELECT batch."offset"
FROM batch JOIN untimely USING (app_code, event_key, client_time)
WHERE batch.id_given
