-- What stands in braces comes from metrics.py, which leaves out what a question does not need.
WITH event AS (
    SELECT
        -- A person is a user, or a visitor who never signed in. 64 bits of it sort three times as fast as its texts; two
        -- of a million persons share them once in 40 million stores.
        CASE
            WHEN user_id IS NOT NULL OR anonymous_id IS NOT NULL
                THEN hash(user_id, CASE WHEN user_id IS NULL THEN anonymous_id END)
        END AS person,
        -- A row of the period before stands at the place of the period that it is compared with.
        occurred_at + $shift::INTERVAL AS occurred_at,
        source_label = 'pageview' AND page_url IS NOT NULL AS is_pageview
        {columns}
    FROM resolved
    WHERE app_code = $app_code
        AND ($user_id IS NULL OR user_id = $user_id)
        AND ($page_url IS NULL OR page_url = $page_url)
        AND ($source_label IS NULL OR source_label = $source_label)
        AND occurred_at >= $from_time::TIMESTAMP
        AND occurred_at < $to_time::TIMESTAMP
),
{visits}
part AS (
    SELECT
        NULL::VARCHAR AS key,
        NULL::BIGINT AS visitors, NULL::BIGINT AS pageviews, NULL::BIGINT AS events,
        NULL::BIGINT AS visits, NULL::BIGINT AS bounces, NULL::DOUBLE AS lasted_s
    WHERE false
    UNION ALL BY NAME
    {parts}
),
line AS (
    SELECT
        key,
        coalesce(sum(visitors), 0)::BIGINT AS visitors,
        coalesce(sum(pageviews), 0)::BIGINT AS pageviews,
        coalesce(sum(events), 0)::BIGINT AS events,
        coalesce(sum(visits), 0)::BIGINT AS visits,
        sum(pageviews) / nullif(sum(visits), 0) AS views_per_visit,
        sum(bounces) / nullif(sum(visits), 0) AS bounce_rate,
        sum(lasted_s) / nullif(sum(visits), 0) AS visit_duration
    FROM part
    GROUP BY key
),
placed AS (
    SELECT key, [{metrics}]::DOUBLE[] AS metrics, {value} AS value, ROW({value}, key IS NULL, coalesce(key, '')) AS place
    FROM line
    WHERE $keys::VARCHAR[] IS NULL OR list_contains($keys, key) OR key IS NULL AND $keyless
),
page AS (
    SELECT *
    FROM placed
    WHERE $first OR place {beyond} ROW($after::DOUBLE, $after_key::VARCHAR IS NULL, coalesce($after_key, ''))
    ORDER BY place {direction}
    LIMIT $limit
)
-- Without any row there is still what was asked of how much.
SELECT scanned, position, key, metrics, value
FROM (SELECT count(*) AS scanned, (SELECT coalesce(max(position), 0) FROM ledger) AS position FROM event)
LEFT JOIN page ON true
ORDER BY place {direction}
