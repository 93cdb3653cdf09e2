-- Where an event has no name of its own but its visit's.
SELECT {key} AS key, count(DISTINCT person) AS visitors, sum(pageviews) AS pageviews, sum(events) AS events
FROM visit
{group}
