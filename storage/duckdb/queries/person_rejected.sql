-- A page of the rejected items that have bytes, in load order; bytes that are no UTF-8 as the text that shows them.
SELECT
    position, "offset", log_id, app_code, code, received_at, user_id, anonymous_id,
    coalesce(TRY(decode(raw)), raw::VARCHAR)
FROM rejected
WHERE (app_code = $app_code OR app_code IS NULL)
    AND raw <> ''::BLOB
    AND ROW(position, "offset") > ROW($position::BIGINT, $offset::BIGINT)
ORDER BY position, "offset"
LIMIT $limit
