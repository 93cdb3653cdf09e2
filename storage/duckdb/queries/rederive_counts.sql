WITH told AS MATERIALIZED (SELECT filtered, agent_id, arrival_id, count(*) AS events FROM events GROUP BY ALL),
named AS (
    SELECT unnest([
        ROW('filtered', filtered), ROW('channel', coalesce(channel, 'Direct')), ROW('source', source),
        ROW('browser', browser), ROW('os', os), ROW('device', device)
    ]) AS pair, events
    FROM told LEFT JOIN agent USING (agent_id) LEFT JOIN arrival USING (arrival_id)
)
SELECT pair[1] AS dimension, coalesce(pair[2], '-') AS value, sum(events)::BIGINT
FROM named
GROUP BY dimension, value
