-- User agents and landings without a row of their own, with offset and time of each of their events.
SELECT user_agent, NULL::VARCHAR AS landing, "offset", received_at
FROM batch ANTI JOIN agent USING (user_agent)
WHERE user_agent IS NOT NULL AND rejected_code IS NULL
UNION ALL
SELECT NULL, landing, "offset", received_at
FROM batch ANTI JOIN arrival USING (landing)
WHERE landing IS NOT NULL AND rejected_code IS NULL
