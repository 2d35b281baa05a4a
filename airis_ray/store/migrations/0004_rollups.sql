-- Roll-ups, filled by materialized views at insert and rebuilt from the base tables by store/rollups.py, which finds the
-- views' SELECTs in the store itself. Times are the beginning of the interval, in UTC.

-- up

CREATE TABLE IF NOT EXISTS airis_services_10s
(
    Tenant LowCardinality(String) CODEC(ZSTD(1)),
    Time DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    ServiceName LowCardinality(String) CODEC(ZSTD(1)),
    SpanKind LowCardinality(String) CODEC(ZSTD(1)),
    SpanName LowCardinality(String) CODEC(ZSTD(1)),
    Count SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    Errors SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    DurationSum SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    DurationMin SimpleAggregateFunction(min, UInt64) CODEC(T64, ZSTD(1)),
    DurationMax SimpleAggregateFunction(max, UInt64) CODEC(T64, ZSTD(1)),
    Latency SimpleAggregateFunction(sumMap, Map(UInt16, UInt64)) CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
PARTITION BY toDate(Time)
PRIMARY KEY (Tenant, toStartOfHour(Time), ServiceName)
ORDER BY (Tenant, toStartOfHour(Time), ServiceName, SpanKind, SpanName, Time)
{ttl:airis_services_10s}
SETTINGS index_granularity = 1024, ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000;

CREATE MATERIALIZED VIEW IF NOT EXISTS airis_services_10s_mv TO airis_services_10s AS
SELECT
    Tenant, Time, ServiceName, SpanKind, SpanName,
    sum(Spans) AS Count,
    sum(Failed) AS Errors,
    sum(Total) AS DurationSum,
    min(Shortest) AS DurationMin,
    max(Longest) AS DurationMax,
    mapFromArrays(groupArray(Bucket), groupArray(Spans)) AS Latency
FROM
(
    SELECT
        Tenant, ServiceName, SpanKind, SpanName,
        toStartOfInterval(Timestamp, INTERVAL 10 SECOND, 'UTC') AS Time,
        toUInt16(ceil(log(greatest(Duration, 1)) * 50.4983497918439)) AS Bucket,
        count() AS Spans,
        countIf(StatusCode IN ('Error', 'STATUS_CODE_ERROR')) AS Failed,
        sum(Duration) AS Total,
        min(Duration) AS Shortest,
        max(Duration) AS Longest
    FROM otel_traces
    GROUP BY Tenant, ServiceName, SpanKind, SpanName, Time, Bucket
)
GROUP BY Tenant, Time, ServiceName, SpanKind, SpanName;

CREATE TABLE IF NOT EXISTS airis_logs_10s
(
    Tenant LowCardinality(String) CODEC(ZSTD(1)),
    Time DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    ServiceName LowCardinality(String) CODEC(ZSTD(1)),
    SeverityText LowCardinality(String) CODEC(ZSTD(1)),
    SeverityNumber UInt8 CODEC(ZSTD(1)),
    Count SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1))
)
ENGINE = AggregatingMergeTree
PARTITION BY toDate(Time)
PRIMARY KEY (Tenant, toStartOfHour(Time), ServiceName)
ORDER BY (Tenant, toStartOfHour(Time), ServiceName, SeverityNumber, SeverityText, Time)
{ttl:airis_logs_10s}
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000;

CREATE MATERIALIZED VIEW IF NOT EXISTS airis_logs_10s_mv TO airis_logs_10s AS
SELECT
    Tenant, ServiceName, SeverityText, SeverityNumber,
    toStartOfInterval(Timestamp, INTERVAL 10 SECOND, 'UTC') AS Time,
    count() AS Count
FROM otel_logs
GROUP BY Tenant, ServiceName, SeverityText, SeverityNumber, Time;

CREATE TABLE IF NOT EXISTS airis_facets_15m
(
    Tenant LowCardinality(String) CODEC(ZSTD(1)),
    Signal LowCardinality(String) CODEC(ZSTD(1)),
    Time DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    Source LowCardinality(String) CODEC(ZSTD(1)),
    Field LowCardinality(String) CODEC(ZSTD(1)),
    Value String CODEC(ZSTD(1)),
    Partial SimpleAggregateFunction(max, UInt8) CODEC(ZSTD(1)),
    Count SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1))
)
ENGINE = AggregatingMergeTree
PARTITION BY toDate(Time)
PRIMARY KEY (Tenant, Signal, Field)
ORDER BY (Tenant, Signal, Field, Source, Time, Value)
{ttl:airis_facets_15m}
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000;

-- down

DROP VIEW IF EXISTS airis_services_10s_mv;
DROP VIEW IF EXISTS airis_logs_10s_mv;
DROP TABLE IF EXISTS airis_services_10s;
DROP TABLE IF EXISTS airis_logs_10s;
DROP TABLE IF EXISTS airis_facets_15m;
