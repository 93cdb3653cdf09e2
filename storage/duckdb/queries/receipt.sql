-- The load's position lets the zone maps skip every other load.
SELECT 'stored', NULL FROM events WHERE position = $position AND "offset" = $offset
UNION ALL
SELECT 'rejected', code FROM rejected WHERE position = $position AND "offset" = $offset
UNION ALL
SELECT 'duplicate', NULL FROM repeats WHERE position = $position AND "offset" = $offset
