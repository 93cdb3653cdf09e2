SELECT log_id, "offset", position, app_code, code, reason, received_at, raw_bytes, raw IS NOT NULL
FROM rejected
WHERE $after_position::BIGINT IS NULL
    OR position < $after_position
    OR position = $after_position AND "offset" < $after_offset
ORDER BY position DESC, "offset" DESC
LIMIT $limit
