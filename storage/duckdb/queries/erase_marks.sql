-- Who else of the batch has these texts gets the same mark from the load.
UPDATE batch SET filtered = told.mark
FROM (SELECT unnest($marked::STRUCT(user_agent VARCHAR, landing VARCHAR, mark VARCHAR)[], recursive := true)) AS told
WHERE batch.filtered IS NULL
    AND batch.user_agent IS NOT DISTINCT FROM told.user_agent
    AND batch.landing IS NOT DISTINCT FROM told.landing
