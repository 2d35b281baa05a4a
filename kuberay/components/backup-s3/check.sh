#!/bin/bash
# Restores the newest backup of the first shard into this pod's own server and reads every table of it.
set -euo pipefail
client() { clickhouse-client --query "$1"; }
name=$(client "SELECT DISTINCT extract(_path, '([0-9]{4}-[0-9]{2}-[0-9]{2}/[0-9]{6})/shard-01/\\\\.backup\$') AS name FROM s3(backup_s3, filename = '*/*/shard-01/.backup', format = 'One') ORDER BY name DESC LIMIT 1")
[ -n "$name" ] || { echo "there is no backup" >&2; exit 1; }
age=$(client "SELECT dateDiff('hour', parseDateTimeBestEffort(replaceOne('$name', '/', ' ')), now())")
echo "newest backup: $name, $age hours old"
[ "$age" -le 48 ] || { echo "the newest backup is older than two days" >&2; exit 1; }
client "RESTORE DATABASE airis FROM S3(backup_s3, '$name/shard-01') SETTINGS create_database = 0"
for table in $(client "SELECT name FROM system.tables WHERE database = 'airis' AND engine LIKE '%MergeTree'"); do
  [ "$(client "CHECK TABLE airis.\`$table\` SETTINGS check_query_single_value_result = 1")" = 1 ] ||
    { echo "table $table is damaged" >&2; exit 1; }
done
rows=$(client "SELECT sum(total_rows) FROM system.tables WHERE database = 'airis' AND name IN ('otel_logs', 'otel_traces')")
[ "$rows" -gt 0 ] || { echo "the backup holds no log and no span" >&2; exit 1; }
migrations=$(client "SELECT uniqExact(Version) FROM airis.airis_migrations")
echo "restored: $rows logs and spans, $migrations migrations, every part sound"
