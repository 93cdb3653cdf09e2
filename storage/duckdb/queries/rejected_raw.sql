SELECT log_id, "offset", position, app_code, code, reason, received_at, raw_bytes, raw IS NOT NULL, raw
FROM rejected
WHERE log_id = $log_id AND "offset" = $offset
