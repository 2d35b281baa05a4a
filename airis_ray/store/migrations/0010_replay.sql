-- Session replay. A row for each chunk of a recording that came: where its block lies, and what it says of the session.
-- The same chunk again is the same key, and Copies counts. A session's summary is made of its chunks' rows alone and
-- written again (Version grows) when more come; it lies at the hour of its beginning, and where a late chunk moves that,
-- the row at the hour before is written as deleted.

-- up

CREATE TABLE IF NOT EXISTS airis_replay_blocks
(
    Tenant LowCardinality(String) CODEC(ZSTD(1)),
    Session String CODEC(ZSTD(1)),
    Form LowCardinality(String) CODEC(ZSTD(1)),
    Tab String CODEC(ZSTD(1)),
    First UInt32 CODEC(ZSTD(1)),
    Last UInt32 CODEC(ZSTD(1)),
    Digest String CODEC(ZSTD(1)),
    Start DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    End SimpleAggregateFunction(max, DateTime64(3, 'UTC')) CODEC(ZSTD(1)),
    Received SimpleAggregateFunction(max, DateTime64(3, 'UTC')) CODEC(ZSTD(1)),
    Copies SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
    Events SimpleAggregateFunction(any, UInt32) CODEC(ZSTD(1)),
    Size SimpleAggregateFunction(any, UInt64) CODEC(ZSTD(1)),
    Stored SimpleAggregateFunction(any, UInt64) CODEC(ZSTD(1)),
    Url SimpleAggregateFunction(any, String) CODEC(ZSTD(1)),
    Facts SimpleAggregateFunction(any, String) CODEC(ZSTD(3)),
    INDEX idx_received Received TYPE minmax GRANULARITY 1
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(Start)
ORDER BY (Tenant, Session, Form, Tab, First, Last, Digest, Start)
{ttl:airis_replay_blocks}
SETTINGS index_granularity = 1024, ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS airis_replay_sessions
(
    Tenant LowCardinality(String) CODEC(ZSTD(1)),
    Hour DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    id String CODEC(ZSTD(1)),
    start DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    end DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    duration_ms UInt64 CODEC(ZSTD(1)),
    user String CODEC(ZSTD(1)),
    service LowCardinality(String) CODEC(ZSTD(1)),
    release LowCardinality(String) CODEC(ZSTD(1)),
    user_agent LowCardinality(String) CODEC(ZSTD(1)),
    url_first String CODEC(ZSTD(1)),
    urls Array(String) CODEC(ZSTD(1)),
    trace_ids Array(String) CODEC(ZSTD(1)),
    pages UInt32 CODEC(ZSTD(1)),
    clicks UInt32 CODEC(ZSTD(1)),
    rage_clicks UInt32 CODEC(ZSTD(1)),
    dead_clicks UInt32 CODEC(ZSTD(1)),
    errors UInt32 CODEC(ZSTD(1)),
    console_errors UInt32 CODEC(ZSTD(1)),
    requests UInt32 CODEC(ZSTD(1)),
    failed_requests UInt32 CODEC(ZSTD(1)),
    events UInt32 CODEC(ZSTD(1)),
    bytes UInt64 CODEC(ZSTD(1)),
    stored_bytes UInt64 CODEC(ZSTD(1)),
    blocks UInt32 CODEC(ZSTD(1)),
    tabs UInt32 CODEC(ZSTD(1)),
    gaps UInt32 CODEC(ZSTD(1)),
    duplicates UInt32 CODEC(ZSTD(1)),
    Version UInt64 CODEC(ZSTD(1)),
    Deleted UInt8 CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(Version, Deleted)
ORDER BY (Tenant, Hour, id)
{ttl:airis_replay_sessions}
SETTINGS index_granularity = 1024, ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000;

-- down

DROP TABLE IF EXISTS airis_replay_sessions;

DROP TABLE IF EXISTS airis_replay_blocks;
