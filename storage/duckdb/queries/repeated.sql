-- The row that a repeat repeats: of the same client's time, else the last one before it.
SELECT events.log_id || ':' || events."offset"
FROM repeats JOIN events USING (app_code, event_key)
WHERE repeats.position = $position AND repeats."offset" = $offset
    AND events.position <= $position
    AND (events.position < $position OR events."offset" < $offset)
    AND (repeats.client_time IS NULL
        OR events.time_given AND coalesce(events.client_time, events.occurred_at) = repeats.client_time)
ORDER BY events.position DESC, events."offset" DESC
LIMIT 1
