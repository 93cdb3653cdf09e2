-- The row that a repeat repeats: of the same day where the client sent a time, else the last one before it.
SELECT events.log_id || ':' || events."offset"
FROM repeats JOIN events USING (app_code, event_key)
WHERE repeats.position = $position AND repeats."offset" = $offset
    AND events.position <= $position
    AND (events.position < $position OR events."offset" < $offset)
    AND (repeats.day IS NULL OR events.occurred_at::DATE = repeats.day)
ORDER BY events.position DESC, events."offset" DESC
LIMIT 1
