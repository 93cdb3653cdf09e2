-- Past the limit of what is kept in all an item loses its bytes, and keeps place, code and reason.
INSERT INTO rejected BY NAME
SELECT
    $position AS position,
    $log_id AS log_id,
    "offset",
    app_code,
    rejected_code AS code,
    rejected_reason AS reason,
    CASE WHEN sum(octet_length(rejected_raw)) OVER (ORDER BY "offset") <= $room_bytes THEN rejected_raw END AS raw,
    octet_length(rejected_raw) AS raw_bytes,
    received_at,
    user_id,
    anonymous_id
FROM batch
WHERE rejected_code IS NOT NULL
