-- What the batch holds, in one pass; what it has none of needs no statement of its own.
SELECT
    count(*),
    count(DISTINCT "offset"),
    min("offset"),
    max("offset"),
    coalesce(bool_or(rejected_code IS NOT NULL), false),
    coalesce(bool_or(user_id IS NOT NULL AND anonymous_id IS NOT NULL), false),
    coalesce(bool_or(is_untimely), false),
    coalesce(bool_or(id_given AND client_time IS NOT NULL AND NOT is_untimely), false),
    coalesce(bool_or(id_given AND is_untimely), false),
    min(received_at) FILTER (id_given AND client_time IS NULL)
FROM batch
