-- $since is the position of the log's last row or an earlier one: it spares reading the whole ledger for each load.
SELECT
    coalesce(max(position), 0),
    coalesce(max(position) FILTER (log_id = $log_id), 0),
    coalesce(max(to_offset) FILTER (log_id = $log_id), -1),
    coalesce(arg_max(segment, position) FILTER (log_id = $log_id), 0),
    coalesce(arg_max(byte_end, position) FILTER (log_id = $log_id), 0)
FROM ledger
WHERE position >= $since
