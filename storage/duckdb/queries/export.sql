-- One JSON object a row in the member names of POST /track; concat leaves out what is NULL.
SELECT concat(
    '{"receipt":', to_json(log_id || ':' || "offset"),
    ',"received_at":"', strftime(received_at, '%Y-%m-%dT%H:%M:%S.%fZ'), '"',
    ',"app_code":', to_json(app_code),
    ',"event_id":', to_json(coalesce(event_id, event_key::VARCHAR)),
    ',"source_label":', to_json(source_label),
    ',"id_user":' || to_json(user_id),
    ',"anonymous_id":' || to_json(anonymous_id),
    CASE WHEN time_given
        THEN ',"date_created":"' || strftime(coalesce(client_time, occurred_at), '%Y-%m-%dT%H:%M:%S.%fZ') || '"'
    END,
    ',"sent_at":"' || strftime(sent_at, '%Y-%m-%dT%H:%M:%S.%fZ') || '"',
    ',"page_url":' || to_json(page_url),
    ',"referrer":' || to_json(referrer),
    ',"title":' || to_json(title),
    ',"attrs":' || attrs,
    CASE WHEN clock IS NOT NULL
        THEN ',"occurred_at":"' || strftime(occurred_at, '%Y-%m-%dT%H:%M:%S.%fZ') || '","clock":' || to_json(clock)
    END,
    ',"user_agent":' || to_json(agent.user_agent),
    ',"country":' || to_json(country),
    ',"filtered":' || to_json(filtered),
    ',"signal":' || to_json(signal),
    ',"violation":' || to_json(violation),
    '}', chr(10)
)
FROM owned LEFT JOIN agent USING (agent_id)
WHERE position BETWEEN $first_position AND $last_position
    AND app_code = $app_code
    AND ($source_label IS NULL OR source_label = $source_label)
    AND ($user_id IS NULL OR user_id = $user_id)
    AND ($anonymous_id IS NULL OR anonymous_id = $anonymous_id)
    AND ($page_url IS NULL OR page_url = $page_url)
    AND ($from_time::TIMESTAMP IS NULL OR occurred_at >= $from_time)
    AND ($to_time::TIMESTAMP IS NULL OR occurred_at < $to_time)
ORDER BY position, "offset"
