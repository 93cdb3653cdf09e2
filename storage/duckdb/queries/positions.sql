SELECT log_id, max(to_offset) + 1, arg_max(segment, position), arg_max(byte_end, position)
FROM ledger
GROUP BY log_id
