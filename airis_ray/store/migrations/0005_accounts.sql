-- What became of the records that were sent here (airis_ray/accounts), by the minute in which they were received, and what
-- the disk guard dropped. The window of tokens is longer than that of other tables: each ingest replica and each
-- consumer's batch writes here, and a batch that is made again must find its token.

-- up

CREATE TABLE IF NOT EXISTS airis_accounts
(
    Time DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    Tenant LowCardinality(String) CODEC(ZSTD(1)),
    Signal LowCardinality(String) CODEC(ZSTD(1)),
    Stage LowCardinality(String) CODEC(ZSTD(1)),
    Outcome LowCardinality(String) CODEC(ZSTD(1)),
    Reason LowCardinality(String) CODEC(ZSTD(1)),
    Records Int64 CODEC(T64, ZSTD(1)),
    Requests Int64 CODEC(T64, ZSTD(1))
)
ENGINE = SummingMergeTree((Records, Requests))
ORDER BY (Tenant, Signal, Time, Stage, Outcome, Reason)
TTL Time + toIntervalDay(90)
SETTINGS index_granularity = 1024, non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS airis_account_totals
(
    Tenant LowCardinality(String) CODEC(ZSTD(1)),
    Signal LowCardinality(String) CODEC(ZSTD(1)),
    Stage LowCardinality(String) CODEC(ZSTD(1)),
    Outcome LowCardinality(String) CODEC(ZSTD(1)),
    Reason LowCardinality(String) CODEC(ZSTD(1)),
    Records Int64 CODEC(T64, ZSTD(1)),
    Requests Int64 CODEC(T64, ZSTD(1))
)
ENGINE = SummingMergeTree((Records, Requests))
ORDER BY (Tenant, Signal, Stage, Outcome, Reason)
SETTINGS index_granularity = 1024, non_replicated_deduplication_window = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS airis_account_totals_mv TO airis_account_totals AS
SELECT Tenant, Signal, Stage, Outcome, Reason, sum(Records) AS Records, sum(Requests) AS Requests
FROM airis_accounts
GROUP BY Tenant, Signal, Stage, Outcome, Reason;

CREATE TABLE IF NOT EXISTS airis_disk_drops
(
    Time DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    Table LowCardinality(String) CODEC(ZSTD(1)),
    Partition String CODEC(ZSTD(1)),
    Rows UInt64 CODEC(T64, ZSTD(1)),
    Bytes UInt64 CODEC(T64, ZSTD(1)),
    Used Float64 CODEC(ZSTD(1))
)
ENGINE = MergeTree
ORDER BY Time;

-- down

DROP TABLE IF EXISTS airis_disk_drops;
DROP VIEW IF EXISTS airis_account_totals_mv;
DROP TABLE IF EXISTS airis_account_totals;
DROP TABLE IF EXISTS airis_accounts;
