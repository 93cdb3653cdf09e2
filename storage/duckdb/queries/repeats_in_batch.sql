-- A repeat with a client's time stands behind a row of the same time, one without within 24 h of the row before.
-- Few keys occur twice, so only their rows pay for the windows.
CREATE OR REPLACE TEMP TABLE repeat AS
WITH shared AS (
    SELECT app_code, event_key FROM batch WHERE rejected_code IS NULL GROUP BY ALL HAVING count(*) > 1
)
SELECT "offset"
FROM batch SEMI JOIN shared USING (app_code, event_key)
QUALIFY id_given AND CASE
    WHEN client_time IS NOT NULL
        THEN row_number() OVER (PARTITION BY app_code, event_key, client_time ORDER BY "offset") > 1
    ELSE max(received_at) OVER (
        PARTITION BY app_code, event_key ORDER BY "offset" ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) > received_at - INTERVAL 24 HOUR
END
