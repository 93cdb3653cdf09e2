SELECT {key} AS key, count(DISTINCT person) AS visitors, count_if(is_pageview) AS pageviews, count(*) AS events
FROM event
{group}
