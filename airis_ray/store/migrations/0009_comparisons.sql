-- What the events of an anomaly have that others have not: the answer of event deltas, kept with the anomaly (its id). A
-- row is written again where the anomaly has lasted much longer; a reader takes the newest version (FINAL). `request` and
-- `answer` are the JSON of POST /api/delta/compare; without an answer, `note` says why there is none. `upto` is the end
-- that the anomaly had then, `runs` how often it was compared.

-- up

CREATE TABLE IF NOT EXISTS airis_comparisons
(
    Tenant LowCardinality(String) CODEC(ZSTD(1)),
    anomaly String CODEC(ZSTD(1)),
    start DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    upto DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    runs UInt8 CODEC(ZSTD(1)),
    request String CODEC(ZSTD(1)),
    answer String CODEC(ZSTD(1)),
    note String CODEC(ZSTD(1)),
    updated DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1))
)
ENGINE = ReplacingMergeTree(updated)
PARTITION BY toYYYYMM(start)
ORDER BY (Tenant, start, anomaly)
{ttl:airis_comparisons}
SETTINGS index_granularity = 1024, ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000;

-- down

DROP TABLE IF EXISTS airis_comparisons;
