-- The page is cut before its visitors are resolved: DuckDB then sorts all rows by few columns, and reads the others of
-- these rows alone. What stands for `whose` is the condition on the user in reader.py.
WITH page AS (
    SELECT app_code, user_id, anonymous_id, page_url, occurred_at, position, "offset"
    FROM events
    WHERE source_label = 'pageview' AND page_url IS NOT NULL AND filtered IS NULL
        AND app_code = $app_code
        AND ($source_label IS NULL OR source_label = $source_label)
        AND {whose}
        AND ($page_url IS NULL OR page_url = $page_url)
        AND ($from_time::TIMESTAMP IS NULL OR occurred_at >= $from_time)
        AND ($to_time::TIMESTAMP IS NULL OR occurred_at < $to_time)
        -- The first of the two lines is what the zone maps understand.
        AND ($after_time::TIMESTAMP IS NULL OR occurred_at <= $after_time)
        AND ($after_time::TIMESTAMP IS NULL
            OR ROW(occurred_at, position, "offset") < ROW($after_time::TIMESTAMP, $after_position::BIGINT, $after_offset::BIGINT))
    ORDER BY occurred_at DESC, position DESC, "offset" DESC
    LIMIT $limit
)
SELECT coalesce(page.user_id, owner.user_id), anonymous_id, page_url, occurred_at, position, page."offset"
FROM page LEFT JOIN owner USING (app_code, anonymous_id)
ORDER BY occurred_at DESC, position DESC, page."offset" DESC
