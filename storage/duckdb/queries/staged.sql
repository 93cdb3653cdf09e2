-- What the batch holds, in one pass; what it has none of needs no statement of its own.
SELECT
    count(*),
    count(DISTINCT "offset"),
    min("offset"),
    max("offset"),
    coalesce(bool_or(rejected_code IS NOT NULL), false),
    coalesce(bool_or(user_id IS NOT NULL AND anonymous_id IS NOT NULL), false),
    coalesce(list_sort(list(DISTINCT occurred_at::DATE) FILTER (id_given AND time_given)), []),
    min(received_at) FILTER (id_given AND NOT time_given)
FROM batch
