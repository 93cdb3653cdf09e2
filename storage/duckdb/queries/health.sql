SELECT
    coalesce(max(position), 0),
    coalesce(sum(n_rows), 0)::BIGINT,
    coalesce(sum(n_rejected), 0)::BIGINT,
    coalesce(sum(n_dup) + sum(duplicates), 0)::BIGINT,
    max(loaded_at)
FROM ledger
