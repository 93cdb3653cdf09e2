SELECT user_id, anonymous_id, page_url, occurred_at, position, "offset"
FROM events
WHERE source_label = 'pageview' AND page_url IS NOT NULL
    AND app_code = $app_code
    AND ($source_label IS NULL OR source_label = $source_label)
    AND ($user_id IS NULL OR user_id = $user_id)
    AND ($page_url IS NULL OR page_url = $page_url)
    AND ($from_time::TIMESTAMP IS NULL OR occurred_at >= $from_time)
    AND ($to_time::TIMESTAMP IS NULL OR occurred_at < $to_time)
    -- The first of the two lines is what the zone maps understand.
    AND ($after_time::TIMESTAMP IS NULL OR occurred_at <= $after_time)
    AND ($after_time::TIMESTAMP IS NULL
        OR ROW(occurred_at, position, "offset") < ROW($after_time::TIMESTAMP, $after_position::BIGINT, $after_offset::BIGINT))
ORDER BY occurred_at DESC, position DESC, "offset" DESC
LIMIT $limit
