SELECT mark, count(*)
FROM (
    SELECT unnest([filtered, signal, CASE WHEN violation IS NOT NULL THEN 'violation' END]) AS mark
    FROM events
    WHERE position > $after AND position <= $position
        AND (filtered IS NOT NULL OR signal IS NOT NULL OR violation IS NOT NULL)
)
WHERE mark IS NOT NULL
GROUP BY mark
