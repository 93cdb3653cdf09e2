INSERT INTO ledger BY NAME
SELECT
    $position AS position,
    $log_id AS log_id,
    $from_offset AS from_offset,
    $to_offset AS to_offset,
    $n_rows AS n_rows,
    $n_rejected AS n_rejected,
    (SELECT count(DISTINCT "offset") FROM repeat) AS n_dup,
    $n_lost AS n_lost,
    $duplicates AS duplicates,
    $segment AS segment,
    $byte_end AS byte_end,
    $loaded_at::TIMESTAMP AS loaded_at
RETURNING n_dup, n_rows + n_rejected + n_dup + n_lost = to_offset - from_offset + 1
