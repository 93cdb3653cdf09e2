-- The earliest event counts whichever load brings it, so that a store filled anew from the log answers the same.
-- Only an id that nobody can guess (a UUID of version 4 or 7, RFC 9562) gives a visitor's past to who names it.
MERGE INTO owner
USING (
    SELECT app_code, anonymous_id, arg_min(user_id, "offset") AS user_id, received_at, $log_id AS log_id, min("offset") AS "offset"
    FROM batch ANTI JOIN repeat USING ("offset")
    WHERE user_id IS NOT NULL
        AND rejected_code IS NULL
        AND regexp_full_match(anonymous_id, '[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}')
    GROUP BY app_code, anonymous_id, received_at
    QUALIFY received_at = min(received_at) OVER (PARTITION BY app_code, anonymous_id)
) AS signed_in
ON owner.app_code = signed_in.app_code AND owner.anonymous_id = signed_in.anonymous_id
WHEN MATCHED AND ROW(signed_in.received_at, signed_in.log_id, signed_in."offset")
    < ROW(owner.received_at, owner.log_id, owner."offset") THEN UPDATE SET
    user_id = signed_in.user_id,
    received_at = signed_in.received_at,
    log_id = signed_in.log_id,
    "offset" = signed_in."offset"
WHEN NOT MATCHED THEN INSERT BY NAME
