-- Counts come from the file's own statistics: no row is read but the ledger's.
SELECT
    (SELECT count(*) FROM events) = coalesce(sum(n_rows), 0)
    AND (SELECT count(*) FROM rejected) = coalesce(sum(n_rejected), 0)
    AND (SELECT count(*) FROM repeats) = coalesce(sum(n_dup), 0)
    -- Reading goes on where the ledger says: a place that cannot be would be asked for again and again.
    AND coalesce(bool_and(segment > 0 AND byte_end >= 0 AND from_offset >= 0), true)
    AND coalesce(bool_and(coalesce(
        TRY(n_rows + n_rejected + n_dup + n_lost = to_offset - from_offset + 1), false
    )), true)
FROM ledger
