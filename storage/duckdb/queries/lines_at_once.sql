-- What stage.sql takes, of lines that are all items.
SELECT * REPLACE (encode(rejected_raw) AS rejected_raw)
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
    user_agent: 'VARCHAR',
    country: 'VARCHAR',
    filtered: 'VARCHAR',
    signal: 'VARCHAR',
    violation: 'VARCHAR',
    rejected_code: 'VARCHAR',
    rejected_raw: 'VARCHAR',
    rejected_reason: 'VARCHAR'
})
