-- What the watcher found: a row for each anomaly, written again (with a later `updated`) while it lasts, so that a reader
-- takes the newest version (FINAL). `id` and `start` stay the same; `series` is the key of the series at the watcher.
-- An operator's verdict on an anomaly counts for its series; verdict '' takes an earlier one back.

-- up

CREATE TABLE IF NOT EXISTS airis_anomalies
(
    Tenant LowCardinality(String) CODEC(ZSTD(1)),
    id String CODEC(ZSTD(1)),
    start DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    end DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    lasting Bool CODEC(ZSTD(1)),
    service LowCardinality(String) CODEC(ZSTD(1)),
    signal LowCardinality(String) CODEC(ZSTD(1)),
    metric LowCardinality(String) CODEC(ZSTD(1)),
    unit LowCardinality(String) CODEC(ZSTD(1)),
    labels Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    kind LowCardinality(String) CODEC(ZSTD(1)),
    score Float64 CODEC(ZSTD(1)),
    direction LowCardinality(String) CODEC(ZSTD(1)),
    expected Float64 CODEC(ZSTD(1)),
    actual Float64 CODEC(ZSTD(1)),
    explanation String CODEC(ZSTD(1)),
    explanation_ko String CODEC(ZSTD(1)),
    model LowCardinality(String) CODEC(ZSTD(1)),
    series UInt64 CODEC(ZSTD(1)),
    updated DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1))
)
ENGINE = ReplacingMergeTree(updated)
PARTITION BY toYYYYMM(start)
ORDER BY (Tenant, start, id)
{ttl:airis_anomalies}
SETTINGS index_granularity = 1024, ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS airis_verdicts
(
    Tenant LowCardinality(String) CODEC(ZSTD(1)),
    series UInt64 CODEC(ZSTD(1)),
    anomaly String CODEC(ZSTD(1)),
    verdict LowCardinality(String) CODEC(ZSTD(1)),
    score Float64 CODEC(ZSTD(1)),
    actor String CODEC(ZSTD(1)),
    updated DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1))
)
ENGINE = ReplacingMergeTree(updated)
ORDER BY (Tenant, series, anomaly)
{ttl:airis_verdicts}
SETTINGS index_granularity = 1024, ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000;

-- down

DROP TABLE IF EXISTS airis_verdicts;

DROP TABLE IF EXISTS airis_anomalies;
