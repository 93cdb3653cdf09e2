-- One pass over the lines; a temporary table never touches the database file or its write-ahead log.
CREATE OR REPLACE TEMP TABLE batch AS
WITH line AS (
    SELECT *, coalesce(TRY_CAST(event_id AS UUID)::VARCHAR = event_id, false) AS is_uuid
    -- A line is far shorter than 1 MiB (an event is 32 KB at the most); the default reserves 16 MiB a buffer.
    FROM read_ndjson($path, maximum_object_size = 1048576, columns = {
        "offset": 'BIGINT',
        event_id: 'VARCHAR',
        app_code: 'VARCHAR',
        source_label: 'VARCHAR',
        received_at: 'TIMESTAMP',
        occurred_at: 'TIMESTAMP',
        sent_at: 'TIMESTAMP',
        user_id: 'VARCHAR',
        anonymous_id: 'VARCHAR',
        page_url: 'VARCHAR',
        referrer: 'VARCHAR',
        title: 'VARCHAR',
        attrs: 'JSON',
        id_given: 'BOOLEAN',
        rejected_code: 'VARCHAR',
        rejected_raw: 'VARCHAR'
    })
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
    rejected_code,
    encode(rejected_raw) AS rejected_raw,
    NULL::VARCHAR AS rejected_reason
FROM line
