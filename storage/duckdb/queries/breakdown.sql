-- {periods} truncates, {keys} names and formats, {order} sorts and {after} continues: all from the table in breakdown.py.
WITH cell AS (
    SELECT
        {periods},
        count(*) AS visits,
        -- A person is a user, or a visitor who never signed in.
        count(DISTINCT user_id) + count(DISTINCT anonymous_id) FILTER (user_id IS NULL) AS visitors
    FROM resolved
    WHERE source_label = 'pageview' AND page_url IS NOT NULL
        AND app_code = $app_code
        AND ($source_label IS NULL OR source_label = $source_label)
        AND ($user_id IS NULL OR user_id = $user_id)
        AND ($page_url IS NULL OR page_url = $page_url)
        AND ($from_time::TIMESTAMP IS NULL OR occurred_at >= $from_time)
        AND ($to_time::TIMESTAMP IS NULL OR occurred_at < $to_time)
    GROUP BY {groups}
),
line AS (SELECT {keys}, visits, visitors FROM cell)
SELECT * EXCLUDE (place)
FROM (SELECT *, ROW({order}) AS place FROM line)
WHERE $first OR place > ROW({after})
ORDER BY place
LIMIT $limit
