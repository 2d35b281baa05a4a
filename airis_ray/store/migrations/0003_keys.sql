-- API keys, tenants and the record of what was done to them. A key's secret is nowhere here: only its SHA-256 is kept.
-- A key is changed by a row of a higher Version; when it was last used is apart, since every replica notes that.

-- up

CREATE TABLE IF NOT EXISTS airis_keys
(
    Id String,
    Hash String,
    Tenant LowCardinality(String),
    Name String,
    Scopes Array(String),
    Created DateTime64(3, 'UTC'),
    CreatedBy String,
    Expires Nullable(DateTime64(3, 'UTC')),
    Revoked Nullable(DateTime64(3, 'UTC')),
    Version UInt64
)
ENGINE = ReplacingMergeTree(Version)
ORDER BY Id;

CREATE TABLE IF NOT EXISTS airis_key_uses
(
    Id String,
    Used SimpleAggregateFunction(max, DateTime64(3, 'UTC'))
)
ENGINE = AggregatingMergeTree
ORDER BY Id;

CREATE TABLE IF NOT EXISTS airis_tenants
(
    Id String,
    Name String,
    Created DateTime64(3, 'UTC'),
    CreatedBy String,
    Version UInt64
)
ENGINE = ReplacingMergeTree(Version)
ORDER BY Id;

CREATE TABLE IF NOT EXISTS airis_audit
(
    Time DateTime64(9, 'UTC'),
    Tenant LowCardinality(String),
    Actor String,
    Action LowCardinality(String),
    Target String,
    Detail Map(LowCardinality(String), String),
    RequestId String,
    Peer String
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(Time)
ORDER BY (Tenant, Time);

-- down

DROP TABLE IF EXISTS airis_audit;
DROP TABLE IF EXISTS airis_tenants;
DROP TABLE IF EXISTS airis_key_uses;
DROP TABLE IF EXISTS airis_keys;
