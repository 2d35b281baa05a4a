-- Alerts of other systems as their webhooks tell them: a row for each notification of an alert, so that the newest row of
-- a fingerprint and its start is the alert's state. Incidents are made from them.

-- up

CREATE TABLE IF NOT EXISTS airis_alerts
(
    Time DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    Tenant LowCardinality(String) CODEC(ZSTD(1)),
    Source LowCardinality(String) CODEC(ZSTD(1)),
    Fingerprint String CODEC(ZSTD(1)),
    Status LowCardinality(String) CODEC(ZSTD(1)),
    Name LowCardinality(String) CODEC(ZSTD(1)),
    Severity LowCardinality(String) CODEC(ZSTD(1)),
    ServiceName LowCardinality(String) CODEC(ZSTD(1)),
    Summary String CODEC(ZSTD(1)),
    Description String CODEC(ZSTD(1)),
    StartsAt DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    EndsAt DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    Labels Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    Annotations Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    Url String CODEC(ZSTD(1)),
    GroupKey String CODEC(ZSTD(1)),
    Receiver LowCardinality(String) CODEC(ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(Time)
ORDER BY (Tenant, Time, Fingerprint)
{ttl:airis_alerts}
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000;

-- down

DROP TABLE IF EXISTS airis_alerts;
