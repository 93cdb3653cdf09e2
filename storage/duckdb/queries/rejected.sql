SELECT log_id, "offset", position, app_code, code, reason, received_at, raw_bytes, raw IS NOT NULL
FROM rejected
WHERE ($app_code::VARCHAR IS NULL OR app_code = $app_code)
    AND ($code::VARCHAR IS NULL OR code = $code)
    AND (
        $after_position::BIGINT IS NULL
        OR position < $after_position
        OR position = $after_position AND "offset" < $after_offset
    )
ORDER BY position DESC, "offset" DESC
LIMIT $limit
