-- What stands in braces comes from metrics.py. DuckDB leaves out every CTE that a question does not lead to, and every
-- column but a distinct count: visitors, pageviews and events alone pay for no window.
WITH matching AS NOT MATERIALIZED (
    SELECT
        -- 64 bits in place of a text, here and for pages, make windows and distinct counts twice as fast. Among a million values the odds
        -- that any two are taken for one are 1 to 37 million.
        CASE
            WHEN user_id IS NOT NULL THEN hash(user_id)
            WHEN anonymous_id IS NOT NULL THEN hash(anonymous_id, 'visitor')
        END AS person,
        occurred_at + $shift::INTERVAL AS happened,
        source_label = 'pageview' AND page_url IS NOT NULL AS is_pageview,
        -- How long a page was looked at is told by the tracker, and is nothing that the visitor did.
        source_label <> 'engagement' AS is_act,
        page_url,
        hash(page_url) AS page,
        position,
        "offset"
    FROM resolved
    WHERE app_code = $app_code
        AND ($user_id IS NULL OR user_id = $user_id)
        AND occurred_at >= $from_time AND occurred_at < $to_time
),
-- One row an event of a person: what came before it, and what comes in all.
step AS NOT MATERIALIZED (
    SELECT
        *,
        coalesce(happened - lag(happened) OVER earlier >= INTERVAL 30 MINUTE, true) AS begins,
        lag(happened) OVER earlier AS previous,
        row_number() OVER earlier AS event,
        count(*) FILTER (is_pageview) OVER earlier AS pageview,
        count(*) FILTER (is_act) OVER earlier AS act,
        max(happened) OVER whole AS last,
        count(*) OVER whole AS last_event,
        count(*) FILTER (is_pageview) OVER whole AS last_pageview,
        count(*) FILTER (is_act) OVER whole AS last_act
    FROM matching
    WHERE person IS NOT NULL
    WINDOW
        earlier AS (PARTITION BY person ORDER BY happened{then} ROWS UNBOUNDED PRECEDING),
        whole AS (PARTITION BY person)
),
-- One row a visit, that of its first event. It ends before the person's next one begins.
visit AS NOT MATERIALIZED (
    SELECT
        person,
        page,
        position,
        "offset",
        happened AS began,
        coalesce(lead(previous) OVER later, last) AS ended,
        coalesce(lead(event) OVER later - 1, last_event) - event + 1 AS events,
        coalesce(lead(pageview - is_pageview::BIGINT) OVER later, last_pageview) - pageview + is_pageview::BIGINT AS pageviews,
        coalesce(lead(act - is_act::BIGINT) OVER later, last_act) - act + is_act::BIGINT AS acts
    FROM step
    WHERE begins
    WINDOW later AS (PARTITION BY person ORDER BY event)
),
-- What was done, by the key of each event.
happening AS NOT MATERIALIZED (
    SELECT
        {key_of_event} AS key,
        any_value(page_url) AS page_url,
        count(*) AS events,
        count(*) FILTER (is_pageview) AS pageviews,
        {visitors} AS visitors
    FROM matching
    {group_by}
),
-- Visits by the key of their first event.
beginning AS NOT MATERIALIZED (
    SELECT
        {key_of_visit} AS key,
        count(*) AS begun,
        count(*) FILTER (acts <= 1) AS bounces,
        sum(date_diff('microsecond', began, ended)) AS microseconds
    FROM visit
    {group_by}
),
-- Visits by every page that they touched.
touching AS NOT MATERIALIZED (
    SELECT page AS key, count(*) AS touched
    FROM (
        SELECT DISTINCT
            page,
            person,
            count(*) FILTER (begins) OVER (
                PARTITION BY person ORDER BY happened{then} ROWS UNBOUNDED PRECEDING
            ) AS number
        FROM step
    )
    GROUP BY key
),
-- Whole visits by what their first event tells, which is read here: it would widen the windows.
arriving AS NOT MATERIALIZED (
    SELECT
        {key_of_arrival} AS key,
        count(*) AS begun,
        count(*) FILTER (acts <= 1) AS bounces,
        sum(date_diff('microsecond', began, ended)) AS microseconds,
        sum(events)::BIGINT AS events,
        sum(pageviews)::BIGINT AS pageviews,
        {visitors} AS visitors
    FROM visit
    JOIN (
        SELECT position, "offset", agent_id, arrival_id, country
        FROM events
        WHERE occurred_at >= $from_time AND occurred_at < $to_time
    ) AS first_event USING (position, "offset")
    LEFT JOIN agent USING (agent_id)
    LEFT JOIN arrival USING (arrival_id)
    GROUP BY key
),
line AS (SELECT {text} AS key, {metrics}, {value} AS value FROM {cells})
SELECT line.*
FROM line {kept}
WHERE $first OR ROW(value, key) {beyond} ROW($after_value::DOUBLE, $after_key::VARCHAR)
ORDER BY ROW(value, key) {direction}
LIMIT $limit
