-- How many inserts a table remembers by their tokens. A consumer that dies between its insert and its commit leaves a batch
-- that another one inserts again, seconds or (where the whole program was stopped) days later: the first 1,000 inserts
-- of others in between must not make the store forget it. 10,000 tokens of a table take about 1 MB.
-- On replicated tables Keeper remembers them, by default for an hour only.

-- up

ALTER TABLE otel_logs MODIFY SETTING non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;

ALTER TABLE otel_traces MODIFY SETTING non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;

ALTER TABLE otel_traces_trace_id_ts MODIFY SETTING non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;

ALTER TABLE otel_metrics_gauge MODIFY SETTING non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;

ALTER TABLE otel_metrics_sum MODIFY SETTING non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;

ALTER TABLE otel_metrics_histogram MODIFY SETTING non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;

ALTER TABLE otel_metrics_exponential_histogram MODIFY SETTING non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;

ALTER TABLE otel_metrics_summary MODIFY SETTING non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;

ALTER TABLE hyperdx_sessions MODIFY SETTING non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;

ALTER TABLE airis_services_10s MODIFY SETTING non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;

ALTER TABLE airis_logs_10s MODIFY SETTING non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;

ALTER TABLE airis_facets_15m MODIFY SETTING non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;

ALTER TABLE airis_series_1m MODIFY SETTING non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;

-- down

ALTER TABLE otel_logs MODIFY SETTING non_replicated_deduplication_window = 1000;

ALTER TABLE otel_traces MODIFY SETTING non_replicated_deduplication_window = 1000;

ALTER TABLE otel_traces_trace_id_ts MODIFY SETTING non_replicated_deduplication_window = 1000;

ALTER TABLE otel_metrics_gauge MODIFY SETTING non_replicated_deduplication_window = 1000;

ALTER TABLE otel_metrics_sum MODIFY SETTING non_replicated_deduplication_window = 1000;

ALTER TABLE otel_metrics_histogram MODIFY SETTING non_replicated_deduplication_window = 1000;

ALTER TABLE otel_metrics_exponential_histogram MODIFY SETTING non_replicated_deduplication_window = 1000;

ALTER TABLE otel_metrics_summary MODIFY SETTING non_replicated_deduplication_window = 1000;

ALTER TABLE hyperdx_sessions MODIFY SETTING non_replicated_deduplication_window = 1000;

ALTER TABLE airis_services_10s MODIFY SETTING non_replicated_deduplication_window = 1000;

ALTER TABLE airis_logs_10s MODIFY SETTING non_replicated_deduplication_window = 1000;

ALTER TABLE airis_facets_15m MODIFY SETTING non_replicated_deduplication_window = 1000;

ALTER TABLE airis_series_1m MODIFY SETTING non_replicated_deduplication_window = 1000;
