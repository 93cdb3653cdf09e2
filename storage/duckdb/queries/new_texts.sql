-- User agents and landings without a row of their own, with offset and time of their first events.
SELECT user_agent, NULL::VARCHAR AS landing, min("offset"), min(received_at)
FROM batch ANTI JOIN agent USING (user_agent)
WHERE user_agent IS NOT NULL AND rejected_code IS NULL
GROUP BY user_agent
UNION ALL
SELECT NULL, landing, min("offset"), min(received_at)
FROM batch ANTI JOIN arrival USING (landing)
WHERE landing IS NOT NULL AND rejected_code IS NULL
GROUP BY landing
