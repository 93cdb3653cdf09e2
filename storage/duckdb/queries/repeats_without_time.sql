INSERT INTO repeat
SELECT batch."offset"
FROM batch JOIN events USING (app_code, event_key)
WHERE batch.id_given AND batch.client_time IS NULL
    AND events.received_at > $earliest::TIMESTAMP - INTERVAL 24 HOUR
    AND events.received_at > batch.received_at - INTERVAL 24 HOUR
