SELECT {key} AS key, count(*) AS visits, count_if(events = 1) AS bounces, sum(lasted_s) AS lasted_s
FROM visit
{group}
