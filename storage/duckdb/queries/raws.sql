-- The rejected items that have bytes, and who sent them; bytes that are no UTF-8 as the text that shows them.
SELECT {log_id}, "offset", app_code, coalesce(TRY(decode({raw})), {raw}::VARCHAR), user_id, anonymous_id
FROM {rows}
WHERE {raw} IS NOT NULL AND {raw} <> ''::BLOB
