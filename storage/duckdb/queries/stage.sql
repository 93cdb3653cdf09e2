-- One pass over the lines, which stand in braces; a temporary table never touches the database file or its
-- write-ahead log.
CREATE OR REPLACE TEMP TABLE batch AS
WITH line AS (
{lines}),
keyed AS (
    SELECT
        *,
        coalesce(TRY_CAST(event_id AS UUID)::VARCHAR = event_id, false) AS is_uuid,
        CASE
            -- What lies between the clocks and the way here is what lies between the two stamps of one moment.
            WHEN abs(epoch_us(received_at) - epoch_us(sent_at)) > $clock_skew_us THEN occurred_at + (received_at - sent_at)
            ELSE occurred_at
        END AS corrected
    FROM line
),
timed AS (
    SELECT
        * EXCLUDE (occurred_at),
        occurred_at AS client_time,
        coalesce(epoch_us(corrected) - epoch_us(received_at) > $clock_skew_us, false) AS is_ahead,
        CASE
            WHEN corrected IS NULL OR is_ahead THEN received_at
            -- The wildest stamps lead out of the calendar.
            ELSE greatest(corrected, TIMESTAMP '0001-01-01')
        END AS occurred_at
    FROM keyed
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
    occurred_at,
    client_time,
    CASE WHEN is_ahead THEN 'clamped' WHEN client_time <> occurred_at THEN 'corrected' END AS clock,
    coalesce(client_time <> occurred_at OR epoch_us(received_at) - epoch_us(client_time) > $prompt_us, false) AS is_untimely,
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
FROM timed
