-- What stage.sql takes, line by line (rule R10): what cannot be read becomes a rejected item at its own offset.
WITH sent AS MATERIALIZED (
    SELECT $from_offset + place - 1 AS due, raw, TRY(decode(raw)) AS text
    FROM unnest($lines::BLOB[]) WITH ORDINALITY AS one(raw, place)
),
found AS MATERIALIZED (
    SELECT *, TRY(from_json(text, '{
        "offset": "VARCHAR", "event_id": "VARCHAR", "app_code": "VARCHAR", "source_label": "VARCHAR",
        "received_at": "VARCHAR", "occurred_at": "VARCHAR", "sent_at": "VARCHAR", "user_id": "VARCHAR",
        "anonymous_id": "VARCHAR", "page_url": "VARCHAR", "referrer": "VARCHAR", "title": "VARCHAR", "attrs": "JSON",
        "id_given": "VARCHAR", "user_agent": "VARCHAR", "country": "VARCHAR", "filtered": "VARCHAR", "signal": "VARCHAR", "violation": "VARCHAR",
        "rejected_code": "VARCHAR", "rejected_raw": "VARCHAR", "rejected_reason": "VARCHAR"
    }')) AS item
    FROM sent
),
typed AS (
    SELECT
        -- Years of more digits are times to DuckDB too, and leave its range once somebody computes with them.
        due, raw, text, item,
        TRY_CAST(item."offset" AS BIGINT) AS "offset",
        TRY_CAST(regexp_extract(item.received_at, '^\d{4}-.*') AS TIMESTAMP) AS received_at,
        TRY_CAST(regexp_extract(item.occurred_at, '^\d{4}-.*') AS TIMESTAMP) AS occurred_at,
        TRY_CAST(regexp_extract(item.sent_at, '^\d{4}-.*') AS TIMESTAMP) AS sent_at,
        TRY_CAST(item.id_given AS BOOLEAN) AS id_given
    FROM found
),
judged AS (
    SELECT *, CASE
        WHEN text IS NULL THEN 'no UTF-8'
        WHEN NOT json_valid(text) THEN 'no JSON'
        WHEN json_type(text) <> 'OBJECT' THEN 'no object'
        WHEN item IS NULL THEN 'its members cannot be told apart'
        WHEN item."offset" IS NULL OR item.app_code IS NULL OR item.received_at IS NULL THEN 'a member is missing'
        WHEN item.rejected_code IS NULL AND (item.event_id IS NULL OR item.source_label IS NULL) THEN 'a member is missing'
        WHEN item.rejected_code IS NOT NULL AND item.rejected_raw IS NULL THEN 'a member is missing'
        WHEN "offset" IS NULL
            OR received_at IS NULL
            OR occurred_at IS NULL AND item.occurred_at IS NOT NULL
            OR sent_at IS NULL AND item.sent_at IS NOT NULL
            OR id_given IS NULL AND item.id_given IS NOT NULL
            THEN 'a member has a wrong type'
    END AS reason
    FROM typed
)
SELECT
    CASE WHEN reason IS NULL THEN "offset" ELSE due END AS "offset",
    item.* EXCLUDE ("offset", received_at, occurred_at, sent_at, id_given, rejected_code, rejected_raw, rejected_reason),
    received_at,
    occurred_at,
    sent_at,
    id_given,
    CASE WHEN reason IS NULL THEN item.rejected_code ELSE $unreadable END AS rejected_code,
    CASE WHEN reason IS NULL THEN encode(item.rejected_raw) ELSE raw END AS rejected_raw,
    coalesce(reason, item.rejected_reason) AS rejected_reason
FROM judged
