-- What the door has marked as filtered stays so: it has seen more. A text beyond a day's limit has the row 0.
INSERT INTO events BY NAME
SELECT
    $position AS position,
    $log_id AS log_id,
    batch.* EXCLUDE (id_given, client_hour, is_untimely, user_agent, landing, rejected_code, rejected_raw, rejected_reason)
        REPLACE (
            nullif(client_time, occurred_at) AS client_time,
            CASE
                WHEN filtered IS NOT NULL THEN filtered
                WHEN bot IS NOT NULL THEN 'bot'
                WHEN is_spam THEN 'referrer_spam'
            END AS filtered
        ),
    client_time IS NOT NULL AS time_given,
    CASE WHEN NOT is_untimely THEN client_hour END AS timely_hour,
    CASE WHEN batch.user_agent IS NOT NULL THEN coalesce(agent_id, 0) END AS agent_id,
    CASE WHEN batch.landing IS NOT NULL THEN coalesce(arrival_id, 0) END AS arrival_id
FROM batch
ANTI JOIN repeat USING ("offset")
LEFT JOIN agent ON agent.user_agent = batch.user_agent
LEFT JOIN arrival ON arrival.landing = batch.landing
WHERE rejected_code IS NULL
