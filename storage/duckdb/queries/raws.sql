-- The rejected items that can tell of somebody, and who sent them; bytes that are no UTF-8 as the text that shows them.
SELECT {log_id}, "offset", app_code, coalesce(TRY(decode({raw})), {raw}::VARCHAR, ''), user_id, anonymous_id
FROM {rows}
WHERE {code} IS NOT NULL AND ({raw} <> ''::BLOB OR user_id IS NOT NULL OR anonymous_id IS NOT NULL)
