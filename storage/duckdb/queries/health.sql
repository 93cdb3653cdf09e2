SELECT
    coalesce(max(position), 0),
    coalesce(sum(n_rows), 0)::BIGINT,
    coalesce(sum(n_rejected), 0)::BIGINT,
    coalesce(sum(n_dup) + sum(duplicates), 0)::BIGINT,
    coalesce(sum(n_lost), 0)::BIGINT,
    coalesce(sum(duplicates), 0)::BIGINT,
    (SELECT coalesce(sum(lines), 0)::BIGINT FROM (SELECT max(to_offset) + 1 AS lines FROM ledger GROUP BY log_id)),
    max(loaded_at)
FROM ledger
