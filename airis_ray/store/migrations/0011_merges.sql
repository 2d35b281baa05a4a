-- What a merge costs. A wide part of spans is some 250 files, one for each stream of each column, and a vertical merge opens
-- those of all its parts: below 256 MiB (uncompressed, some 200,000 spans) parts stay compact, and merges below two
-- million rows take all columns at once, in half the time. Above, a vertical merge needs less memory. Ten parts or more
-- at a time: each row is written again once for every factor of ten, and not for every factor of two to five.

-- up

ALTER TABLE otel_logs MODIFY SETTING min_parts_to_merge_at_once = 10,
    min_bytes_for_wide_part = 268435456, vertical_merge_algorithm_min_rows_to_activate = 2000000;

ALTER TABLE otel_traces MODIFY SETTING min_parts_to_merge_at_once = 10,
    min_bytes_for_wide_part = 268435456, vertical_merge_algorithm_min_rows_to_activate = 2000000;

ALTER TABLE otel_metrics_gauge MODIFY SETTING min_parts_to_merge_at_once = 10,
    min_bytes_for_wide_part = 268435456, vertical_merge_algorithm_min_rows_to_activate = 2000000;

ALTER TABLE otel_metrics_sum MODIFY SETTING min_parts_to_merge_at_once = 10,
    min_bytes_for_wide_part = 268435456, vertical_merge_algorithm_min_rows_to_activate = 2000000;

ALTER TABLE otel_metrics_histogram MODIFY SETTING min_parts_to_merge_at_once = 10,
    min_bytes_for_wide_part = 268435456, vertical_merge_algorithm_min_rows_to_activate = 2000000;

ALTER TABLE otel_metrics_exponential_histogram MODIFY SETTING min_parts_to_merge_at_once = 10,
    min_bytes_for_wide_part = 268435456, vertical_merge_algorithm_min_rows_to_activate = 2000000;

ALTER TABLE otel_metrics_summary MODIFY SETTING min_parts_to_merge_at_once = 10,
    min_bytes_for_wide_part = 268435456, vertical_merge_algorithm_min_rows_to_activate = 2000000;

ALTER TABLE hyperdx_sessions MODIFY SETTING min_parts_to_merge_at_once = 10,
    min_bytes_for_wide_part = 268435456, vertical_merge_algorithm_min_rows_to_activate = 2000000;

ALTER TABLE otel_traces_trace_id_ts MODIFY SETTING min_parts_to_merge_at_once = 10;

ALTER TABLE airis_services_10s MODIFY SETTING min_parts_to_merge_at_once = 10;

ALTER TABLE airis_logs_10s MODIFY SETTING min_parts_to_merge_at_once = 10;

ALTER TABLE airis_facets_15m MODIFY SETTING min_parts_to_merge_at_once = 10;

ALTER TABLE airis_series_1m MODIFY SETTING min_parts_to_merge_at_once = 10;

ALTER TABLE airis_accounts MODIFY SETTING min_parts_to_merge_at_once = 10;

ALTER TABLE airis_account_totals MODIFY SETTING min_parts_to_merge_at_once = 10;

-- down

ALTER TABLE otel_logs MODIFY SETTING min_parts_to_merge_at_once = 0,
    min_bytes_for_wide_part = 10485760, vertical_merge_algorithm_min_rows_to_activate = 131072;

ALTER TABLE otel_traces MODIFY SETTING min_parts_to_merge_at_once = 0,
    min_bytes_for_wide_part = 10485760, vertical_merge_algorithm_min_rows_to_activate = 131072;

ALTER TABLE otel_metrics_gauge MODIFY SETTING min_parts_to_merge_at_once = 0,
    min_bytes_for_wide_part = 10485760, vertical_merge_algorithm_min_rows_to_activate = 131072;

ALTER TABLE otel_metrics_sum MODIFY SETTING min_parts_to_merge_at_once = 0,
    min_bytes_for_wide_part = 10485760, vertical_merge_algorithm_min_rows_to_activate = 131072;

ALTER TABLE otel_metrics_histogram MODIFY SETTING min_parts_to_merge_at_once = 0,
    min_bytes_for_wide_part = 10485760, vertical_merge_algorithm_min_rows_to_activate = 131072;

ALTER TABLE otel_metrics_exponential_histogram MODIFY SETTING min_parts_to_merge_at_once = 0,
    min_bytes_for_wide_part = 10485760, vertical_merge_algorithm_min_rows_to_activate = 131072;

ALTER TABLE otel_metrics_summary MODIFY SETTING min_parts_to_merge_at_once = 0,
    min_bytes_for_wide_part = 10485760, vertical_merge_algorithm_min_rows_to_activate = 131072;

ALTER TABLE hyperdx_sessions MODIFY SETTING min_parts_to_merge_at_once = 0,
    min_bytes_for_wide_part = 10485760, vertical_merge_algorithm_min_rows_to_activate = 131072;

ALTER TABLE otel_traces_trace_id_ts MODIFY SETTING min_parts_to_merge_at_once = 0;

ALTER TABLE airis_services_10s MODIFY SETTING min_parts_to_merge_at_once = 0;

ALTER TABLE airis_logs_10s MODIFY SETTING min_parts_to_merge_at_once = 0;

ALTER TABLE airis_facets_15m MODIFY SETTING min_parts_to_merge_at_once = 0;

ALTER TABLE airis_series_1m MODIFY SETTING min_parts_to_merge_at_once = 0;

ALTER TABLE airis_accounts MODIFY SETTING min_parts_to_merge_at_once = 0;

ALTER TABLE airis_account_totals MODIFY SETTING min_parts_to_merge_at_once = 0;
