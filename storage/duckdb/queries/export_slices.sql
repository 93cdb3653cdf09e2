-- Runs of positions of about $slice_rows rows: a slow reader then holds no transaction open between two of them.
SELECT min(position), max(position)
FROM (
    SELECT position, sum(n_rows) OVER (ORDER BY position ROWS UNBOUNDED PRECEDING) // $slice_rows AS slice
    FROM ledger
    WHERE n_rows > 0
)
GROUP BY slice
ORDER BY slice
