CREATE OR REPLACE TEMP TABLE erased (
    digest VARCHAR,
    pseudonym VARCHAR,
    until_log_id VARCHAR,
    until_offset BIGINT,
    erased_at TIMESTAMP
)
