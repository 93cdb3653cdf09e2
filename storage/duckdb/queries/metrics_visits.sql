-- A visit is events of a person less than 30 minutes apart.
marked AS (
    SELECT
        *,
        coalesce(occurred_at - lag(occurred_at) OVER (PARTITION BY person ORDER BY {place}) >= INTERVAL 30 MINUTE, true) AS begins
    FROM event
    WHERE person IS NOT NULL
),
numbered AS (
    SELECT *, sum(begins::INTEGER) OVER (PARTITION BY person ORDER BY {place} ROWS UNBOUNDED PRECEDING) AS number
    FROM marked
),
visit AS (
    SELECT
        person,
        min(occurred_at) AS began_at,
        count(*) AS events,
        count_if(is_pageview) AS pageviews,
        epoch(max(occurred_at) - min(occurred_at)) AS lasted_s
        {first}
    FROM numbered
    GROUP BY person, number
),
