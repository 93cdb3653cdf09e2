-- Counts come from the file's own statistics: no row is read.
SELECT
    (SELECT count(*) FROM events) = coalesce(sum(n_rows), 0)
    AND (SELECT count(*) FROM rejected) = coalesce(sum(n_rejected), 0)
    AND (SELECT count(*) FROM repeats) = coalesce(sum(n_dup), 0)
FROM ledger
