-- A column of its own for every attribute key of store/keys.py: filters and groups on a map key read the whole map.

-- up

ALTER TABLE otel_logs
    ADD COLUMN IF NOT EXISTS `__resource.service.version` LowCardinality(String) MATERIALIZED ResourceAttributes['service.version'] CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS `__resource.deployment.environment.name` LowCardinality(String) MATERIALIZED ResourceAttributes['deployment.environment.name'] CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS `__resource.k8s.namespace.name` LowCardinality(String) MATERIALIZED ResourceAttributes['k8s.namespace.name'] CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS `__resource.k8s.deployment.name` LowCardinality(String) MATERIALIZED ResourceAttributes['k8s.deployment.name'] CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS `__resource.k8s.pod.name` LowCardinality(String) MATERIALIZED ResourceAttributes['k8s.pod.name'] CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS `__resource.k8s.node.name` LowCardinality(String) MATERIALIZED ResourceAttributes['k8s.node.name'] CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS `__resource.cloud.region` LowCardinality(String) MATERIALIZED ResourceAttributes['cloud.region'] CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS `__log.exception.type` LowCardinality(String) MATERIALIZED LogAttributes['exception.type'] CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS `__log.error.type` LowCardinality(String) MATERIALIZED LogAttributes['error.type'] CODEC(ZSTD(1));

ALTER TABLE otel_traces
    ADD COLUMN IF NOT EXISTS `__resource.service.version` LowCardinality(String) MATERIALIZED ResourceAttributes['service.version'] CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS `__resource.deployment.environment.name` LowCardinality(String) MATERIALIZED ResourceAttributes['deployment.environment.name'] CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS `__resource.k8s.namespace.name` LowCardinality(String) MATERIALIZED ResourceAttributes['k8s.namespace.name'] CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS `__resource.k8s.deployment.name` LowCardinality(String) MATERIALIZED ResourceAttributes['k8s.deployment.name'] CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS `__resource.k8s.pod.name` LowCardinality(String) MATERIALIZED ResourceAttributes['k8s.pod.name'] CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS `__resource.k8s.node.name` LowCardinality(String) MATERIALIZED ResourceAttributes['k8s.node.name'] CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS `__resource.cloud.region` LowCardinality(String) MATERIALIZED ResourceAttributes['cloud.region'] CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS `__span.http.request.method` LowCardinality(String) MATERIALIZED SpanAttributes['http.request.method'] CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS `__span.http.route` LowCardinality(String) MATERIALIZED SpanAttributes['http.route'] CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS `__span.http.response.status_code` LowCardinality(String) MATERIALIZED SpanAttributes['http.response.status_code'] CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS `__span.http.status_code` LowCardinality(String) MATERIALIZED SpanAttributes['http.status_code'] CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS `__span.url.path` String MATERIALIZED SpanAttributes['url.path'] CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS `__span.user_agent.name` LowCardinality(String) MATERIALIZED SpanAttributes['user_agent.name'] CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS `__span.rpc.method` LowCardinality(String) MATERIALIZED SpanAttributes['rpc.method'] CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS `__span.db.system` LowCardinality(String) MATERIALIZED SpanAttributes['db.system'] CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS `__span.messaging.destination.name` LowCardinality(String) MATERIALIZED SpanAttributes['messaging.destination.name'] CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS `__span.error.type` LowCardinality(String) MATERIALIZED SpanAttributes['error.type'] CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS `__span.app.user.id` String MATERIALIZED SpanAttributes['app.user.id'] CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS `__span.app.user.tier` LowCardinality(String) MATERIALIZED SpanAttributes['app.user.tier'] CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS `__span.app.payment.method` LowCardinality(String) MATERIALIZED SpanAttributes['app.payment.method'] CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS `__span.app.country` LowCardinality(String) MATERIALIZED SpanAttributes['app.country'] CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS `__span.app.feature_flag` LowCardinality(String) MATERIALIZED SpanAttributes['app.feature_flag'] CODEC(ZSTD(1));

-- down

ALTER TABLE otel_logs
    DROP COLUMN IF EXISTS `__resource.service.version`,
    DROP COLUMN IF EXISTS `__resource.deployment.environment.name`,
    DROP COLUMN IF EXISTS `__resource.k8s.namespace.name`,
    DROP COLUMN IF EXISTS `__resource.k8s.deployment.name`,
    DROP COLUMN IF EXISTS `__resource.k8s.pod.name`,
    DROP COLUMN IF EXISTS `__resource.k8s.node.name`,
    DROP COLUMN IF EXISTS `__resource.cloud.region`,
    DROP COLUMN IF EXISTS `__log.exception.type`,
    DROP COLUMN IF EXISTS `__log.error.type`;

ALTER TABLE otel_traces
    DROP COLUMN IF EXISTS `__resource.service.version`,
    DROP COLUMN IF EXISTS `__resource.deployment.environment.name`,
    DROP COLUMN IF EXISTS `__resource.k8s.namespace.name`,
    DROP COLUMN IF EXISTS `__resource.k8s.deployment.name`,
    DROP COLUMN IF EXISTS `__resource.k8s.pod.name`,
    DROP COLUMN IF EXISTS `__resource.k8s.node.name`,
    DROP COLUMN IF EXISTS `__resource.cloud.region`,
    DROP COLUMN IF EXISTS `__span.http.request.method`,
    DROP COLUMN IF EXISTS `__span.http.route`,
    DROP COLUMN IF EXISTS `__span.http.response.status_code`,
    DROP COLUMN IF EXISTS `__span.http.status_code`,
    DROP COLUMN IF EXISTS `__span.url.path`,
    DROP COLUMN IF EXISTS `__span.user_agent.name`,
    DROP COLUMN IF EXISTS `__span.rpc.method`,
    DROP COLUMN IF EXISTS `__span.db.system`,
    DROP COLUMN IF EXISTS `__span.messaging.destination.name`,
    DROP COLUMN IF EXISTS `__span.error.type`,
    DROP COLUMN IF EXISTS `__span.app.user.id`,
    DROP COLUMN IF EXISTS `__span.app.user.tier`,
    DROP COLUMN IF EXISTS `__span.app.payment.method`,
    DROP COLUMN IF EXISTS `__span.app.country`,
    DROP COLUMN IF EXISTS `__span.app.feature_flag`;
