INSERT INTO repeats BY NAME
SELECT
    $position AS position,
    $log_id AS log_id,
    "offset",
    app_code,
    event_key,
    CASE WHEN time_given THEN occurred_at::DATE END AS day
FROM batch SEMI JOIN repeat USING ("offset")
