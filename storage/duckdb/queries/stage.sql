-- One pass over the lines; a temporary table never touches the database file or its write-ahead log. What stands in
-- braces comes from load.py and enrich.py.
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
    epoch_us(client_time) // 3_600_000_000 AS client_hour,
    CASE WHEN is_ahead THEN 'clamped' WHEN client_time <> occurred_at THEN 'corrected' END AS clock,
    coalesce(client_time <> occurred_at OR epoch_us(received_at) - epoch_us(client_time) > $prompt_us, false) AS is_untimely,
    sent_at,
    received_at,
    page_url,
    referrer,
    title,
    attrs,
    CASE WHEN strlen(user_agent) <= {user_agent_chars} THEN nullif(user_agent, '') ELSE left(user_agent, {user_agent_chars}) END AS user_agent,
    -- As storage/enrichment/landing.py reads it, which takes apart each distinct one. Most referrers are of the same site,
    -- most links have no member that counts: the cheaper looks come first.
    nullif(concat(
        CASE
            WHEN referrer <> '' AND split_part(referrer, '/', 3) IS DISTINCT FROM split_part(page_url, '/', 3) THEN concat(
                left(regexp_extract(referrer, '{origin}'), {origin_chars}), '#',
                left(regexp_extract(page_url, '{origin}'), {origin_chars}), '#'
            )
            ELSE '##'
        END,
        CASE
            WHEN contains(page_url, '?') AND regexp_matches(page_url, '{members}')
                THEN left(array_to_string(regexp_extract_all(page_url, '{members}', 1), '&'), {members_chars})
        END
    ), '##') AS landing,
    country,
    filtered,
    signal,
    violation,
    rejected_code,
    rejected_raw,
    rejected_reason
FROM timed
