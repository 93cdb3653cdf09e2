-- No key, no index: repeats are removed by the load, and both cost load time and file size.
CREATE TABLE schema_version (
    version INTEGER NOT NULL,
    created_at TIMESTAMP NOT NULL
);

CREATE TABLE events (
    position BIGINT NOT NULL,
    log_id VARCHAR NOT NULL,
    "offset" BIGINT NOT NULL,
    app_code VARCHAR NOT NULL,
    event_key UUID NOT NULL,        -- the event_id itself where that is a canonical UUID, else its MD5
    event_id VARCHAR,               -- only where event_key is an MD5
    source_label VARCHAR NOT NULL,
    user_id VARCHAR,
    anonymous_id VARCHAR,
    occurred_at TIMESTAMP NOT NULL, -- received_at where the client sent no time
    time_given BOOLEAN NOT NULL,    -- whether the client sent one
    client_time TIMESTAMP,          -- the client's own, only where occurred_at is another
    clock VARCHAR,                  -- why it is another: corrected, clamped
    timely_hour INTEGER,            -- hours since 1970 of the client's time; none without, and of rows in `untimely`
    sent_at TIMESTAMP,
    received_at TIMESTAMP NOT NULL,
    page_url VARCHAR,
    referrer VARCHAR,
    title VARCHAR,
    attrs JSON,
    country VARCHAR,                -- this and the next three are the door's: storage/event.py
    filtered VARCHAR,
    signal VARCHAR,
    violation VARCHAR,
    agent_id INTEGER,               -- this and arrival_id are NULL where the event tells nothing of them
    arrival_id INTEGER
);

-- The events that do not stand near their client's time in `events`, for they came late or by a clock that was off.
-- timely_hour therefore rises from row group to row group, and no look for a repeat reads all events.
CREATE TABLE untimely (
    app_code VARCHAR NOT NULL,
    event_key UUID NOT NULL,
    client_time TIMESTAMP NOT NULL
);

-- What is derived of user agents and landings, one row a distinct text; row 0 stands for what came beyond a day's limit.
CREATE TABLE agent (
    agent_id INTEGER NOT NULL,
    user_agent VARCHAR,
    browser VARCHAR NOT NULL,
    version VARCHAR,                -- of the browser, the first number
    os VARCHAR NOT NULL,
    device VARCHAR NOT NULL,
    bot VARCHAR,                    -- the name of a crawler
    first_day DATE                  -- on which the first event with it was received
);
INSERT INTO agent VALUES (0, NULL, 'Other', NULL, 'Other', 'other', NULL, NULL);

CREATE TABLE arrival (
    arrival_id INTEGER NOT NULL,
    landing VARCHAR,                -- hosts and link members, as storage/enrichment/landing.py has them
    utm_source VARCHAR,
    utm_medium VARCHAR,
    utm_campaign VARCHAR,
    utm_term VARCHAR,
    utm_content VARCHAR,
    source VARCHAR,
    channel VARCHAR NOT NULL,
    is_spam BOOLEAN NOT NULL,
    first_day DATE
);
INSERT INTO arrival VALUES (0, NULL, NULL, NULL, NULL, NULL, NULL, 'Other', 'Other', false, NULL);

CREATE TABLE rejected (
    position BIGINT NOT NULL,
    log_id VARCHAR NOT NULL,
    "offset" BIGINT NOT NULL,
    app_code VARCHAR,               -- this and received_at are of a line that can be read
    code VARCHAR NOT NULL,
    reason VARCHAR,                 -- where the code does not say it all
    raw BLOB,                       -- what was sent, or its beginning
    raw_bytes BIGINT NOT NULL,
    received_at TIMESTAMP,
    user_id VARCHAR,                -- this and the next are its sender's, where one was known
    anonymous_id VARCHAR
);

-- The lines that are no rows because they repeat one; which one is looked for when somebody asks.
CREATE TABLE repeats (
    position BIGINT NOT NULL,
    log_id VARCHAR NOT NULL,
    "offset" BIGINT NOT NULL,
    app_code VARCHAR NOT NULL,
    event_key UUID NOT NULL,
    client_time TIMESTAMP           -- none where the client sent none
);

-- Insert-only. A row says which lines of which log one load took, and where the log's reader goes on.
CREATE TABLE ledger (
    position BIGINT NOT NULL,
    log_id VARCHAR NOT NULL,
    from_offset BIGINT NOT NULL,
    to_offset BIGINT NOT NULL,
    n_rows BIGINT NOT NULL,
    n_rejected BIGINT NOT NULL,
    n_dup BIGINT NOT NULL,          -- repeats removed by the load
    n_lost BIGINT NOT NULL,         -- damaged lines of the log, which are gone
    duplicates BIGINT NOT NULL,     -- repeats answered at the door, which have no line
    segment BIGINT NOT NULL,
    byte_end BIGINT NOT NULL,
    loaded_at TIMESTAMP NOT NULL
);

-- Insert-only. A store that is filled again began to be once, and ended if it has a row without a reason.
CREATE TABLE rebuild (
    noted_at TIMESTAMP NOT NULL,
    reason VARCHAR,
    bytes BIGINT NOT NULL           -- of the logs that were to load
);

-- Whose a visitor is: the user of its first event (received_at, log_id, offset) that names one. One row a visitor.
CREATE TABLE owner (
    app_code VARCHAR NOT NULL,
    anonymous_id VARCHAR NOT NULL,
    user_id VARCHAR NOT NULL,
    received_at TIMESTAMP NOT NULL,
    log_id VARCHAR NOT NULL,
    "offset" BIGINT NOT NULL
);

-- All that is stored: an event without a user is its visitor's owner's, however old it is.
CREATE VIEW owned AS
SELECT events.* REPLACE (coalesce(events.user_id, owner.user_id) AS user_id)
FROM events LEFT JOIN owner
    ON events.user_id IS NULL AND owner.app_code = events.app_code AND owner.anonymous_id = events.anonymous_id;

-- What counts in statistics.
CREATE VIEW resolved AS SELECT * FROM owned WHERE filtered IS NULL;
