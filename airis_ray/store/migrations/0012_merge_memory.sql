-- What merges hold: one that takes all columns at once has 20 to 30 MB for each of its parts of spans. Sixteen at most; the
-- embedded store starts no further merge while those under way have 384 MiB (airis_ray/store/embedded/process.py).

-- up

ALTER TABLE otel_logs MODIFY SETTING max_parts_to_merge_at_once = 16;

ALTER TABLE otel_traces MODIFY SETTING max_parts_to_merge_at_once = 16;

ALTER TABLE otel_metrics_gauge MODIFY SETTING max_parts_to_merge_at_once = 16;

ALTER TABLE otel_metrics_sum MODIFY SETTING max_parts_to_merge_at_once = 16;

ALTER TABLE otel_metrics_histogram MODIFY SETTING max_parts_to_merge_at_once = 16;

ALTER TABLE otel_metrics_exponential_histogram MODIFY SETTING max_parts_to_merge_at_once = 16;

ALTER TABLE otel_metrics_summary MODIFY SETTING max_parts_to_merge_at_once = 16;

ALTER TABLE hyperdx_sessions MODIFY SETTING max_parts_to_merge_at_once = 16;

-- down

ALTER TABLE otel_logs MODIFY SETTING max_parts_to_merge_at_once = 100;

ALTER TABLE otel_traces MODIFY SETTING max_parts_to_merge_at_once = 100;

ALTER TABLE otel_metrics_gauge MODIFY SETTING max_parts_to_merge_at_once = 100;

ALTER TABLE otel_metrics_sum MODIFY SETTING max_parts_to_merge_at_once = 100;

ALTER TABLE otel_metrics_histogram MODIFY SETTING max_parts_to_merge_at_once = 100;

ALTER TABLE otel_metrics_exponential_histogram MODIFY SETTING max_parts_to_merge_at_once = 100;

ALTER TABLE otel_metrics_summary MODIFY SETTING max_parts_to_merge_at_once = 100;

ALTER TABLE hyperdx_sessions MODIFY SETTING max_parts_to_merge_at_once = 100;
