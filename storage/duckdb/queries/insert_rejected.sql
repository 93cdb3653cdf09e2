INSERT INTO rejected BY NAME
SELECT
    $position AS position,
    $log_id AS log_id,
    "offset",
    app_code,
    rejected_code AS code,
    rejected_raw AS raw,
    octet_length(rejected_raw) AS raw_bytes,
    received_at
FROM batch
WHERE rejected_code IS NOT NULL
