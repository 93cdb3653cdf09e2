INSERT INTO repeats BY NAME
SELECT
    $position AS position,
    $log_id AS log_id,
    "offset",
    app_code,
    event_key,
    client_time
FROM batch SEMI JOIN repeat USING ("offset")
