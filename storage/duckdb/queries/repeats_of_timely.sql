-- Among rows that are not in `untimely`: these were received just after their client's time, so that the zone maps of
-- received_at skip every other row. Of few times those of occurred_at skip still more (see connection.py).
INSERT INTO repeat
SELECT batch."offset"
FROM batch JOIN events
    ON events.app_code = batch.app_code
    AND events.event_key = batch.event_key
    AND events.occurred_at = batch.client_time
WHERE batch.id_given
    AND batch.client_time BETWEEN $from_time::TIMESTAMP AND $to_time::TIMESTAMP
    AND batch.is_untimely = $of_untimely
    AND events.time_given AND events.client_time IS NULL
    AND events.received_at BETWEEN $from_time::TIMESTAMP - to_microseconds($clock_skew_us)
        AND $to_time::TIMESTAMP + to_microseconds($prompt_us)
