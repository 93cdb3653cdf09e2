-- The texts of staged events that are about to be erased and count so far.
SELECT DISTINCT user_agent, landing
FROM {rows} AS line
JOIN erased ON erased.digest IN (
        sha256($key || '/' || line.app_code || {meant}),
        sha256($key || '/' || line.app_code || CASE WHEN line.user_id IS NULL THEN {as_user} END)
    )
    AND ROW({log_id}, line."offset") < ROW(erased.until_log_id, erased.until_offset)
WHERE filtered IS NULL AND rejected_code IS NULL AND (user_agent IS NOT NULL OR landing IS NOT NULL)
