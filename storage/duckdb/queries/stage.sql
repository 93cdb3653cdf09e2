-- One pass over the lines, which stand in braces; a temporary table never touches the database file or its
-- write-ahead log.
CREATE OR REPLACE TEMP TABLE batch AS
WITH line AS (
{lines}),
keyed AS (
    SELECT *, coalesce(TRY_CAST(event_id AS UUID)::VARCHAR = event_id, false) AS is_uuid FROM line
)
SELECT
    "offset",
    app_code,
    CASE WHEN is_uuid THEN TRY_CAST(event_id AS UUID) ELSE md5(event_id)::UUID END AS event_key,
    CASE WHEN NOT is_uuid THEN event_id END AS event_id,
    coalesce(id_given, false) AS id_given,
    source_label,
    user_id,
    anonymous_id,
    coalesce(occurred_at, received_at) AS occurred_at,
    occurred_at IS NOT NULL AS time_given,
    sent_at,
    received_at,
    page_url,
    referrer,
    title,
    attrs,
    country,
    filtered,
    signal,
    violation,
    rejected_code,
    rejected_raw,
    rejected_reason
FROM keyed
