UPDATE {rows} AS line SET {raw} = CASE WHEN {raw} IS NOT NULL THEN ''::BLOB END, {reason} = NULL, user_id = NULL, anonymous_id = NULL
FROM unnest($named::STRUCT(log_id VARCHAR, "offset" BIGINT)[]) AS one(named)
WHERE {log_id} = named.log_id AND line."offset" = named."offset"
