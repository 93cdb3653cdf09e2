-- What the batch holds, in one pass; what it has none of needs no statement of its own.
SELECT
    count(*),
    count(DISTINCT "offset"),
    min("offset"),
    max("offset"),
    coalesce(bool_or(rejected_code IS NOT NULL), false),
    coalesce(bool_or(user_id IS NOT NULL AND anonymous_id IS NOT NULL), false),
    coalesce(bool_or(is_untimely), false),
    min(client_time) FILTER (id_given AND NOT is_untimely),
    max(client_time) FILTER (id_given AND NOT is_untimely),
    coalesce(list_sort(list(DISTINCT client_time::DATE) FILTER (id_given AND is_untimely)), []),
    min(received_at) FILTER (id_given AND client_time IS NULL)
FROM batch
