-- First a line for each value: its place, itself, and how many users and values there are in all; then one for each cell:
-- the places of user and value, the user, the total. What `by` and `sum` point at is as in RFC 6901; without the one there
-- is one value, '', without the other each event counts 1.
WITH event AS (
    SELECT
        user_id,
        left(coalesce(attrs ->> $by, ''), $length_max) AS value,
        CASE
            WHEN $sum::VARCHAR IS NULL THEN 1
            -- What is no integer, text that looks like one too, adds nothing.
            WHEN json_type(json_extract(attrs, $sum)) IN ('BIGINT', 'UBIGINT')
                THEN TRY_CAST(json_extract(attrs, $sum) AS BIGINT)
        END AS amount
    FROM resolved
    WHERE app_code = $app_code
        AND list_contains($labels::VARCHAR[], source_label)
        AND ($from_time::TIMESTAMP IS NULL OR occurred_at >= $from_time)
        AND ($to_time::TIMESTAMP IS NULL OR occurred_at < $to_time)
),
cell AS (SELECT user_id, value, coalesce(sum(amount), 0) AS total FROM event GROUP BY ALL),
person AS (
    SELECT user_id, row_number() OVER (ORDER BY sum(total) DESC, user_id NULLS LAST) AS place
    FROM cell GROUP BY user_id
),
heading AS (
    SELECT value, row_number() OVER (ORDER BY sum(total) DESC, value) AS place
    FROM cell GROUP BY value
)
SELECT
    0 AS user_place,
    place AS value_place,
    value AS text,
    (SELECT count(*) FROM person) AS figure,
    (SELECT count(*) FROM heading) AS n_values
FROM heading WHERE place <= $values_max
UNION ALL
SELECT
    person.place,
    heading.place,
    cell.user_id,
    -- Past 64 bits a total stays at their end.
    greatest(least(total, 9223372036854775807), -9223372036854775807)::BIGINT,
    NULL
FROM cell
JOIN person ON person.user_id IS NOT DISTINCT FROM cell.user_id
JOIN heading ON heading.value = cell.value
WHERE person.place <= $users_max AND heading.place <= $values_max
ORDER BY user_place, value_place
