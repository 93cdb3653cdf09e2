INSERT INTO events BY NAME
SELECT $position AS position, $log_id AS log_id, * EXCLUDE (id_given, rejected_code, rejected_raw, rejected_reason)
FROM batch ANTI JOIN repeat USING ("offset")
WHERE rejected_code IS NULL
