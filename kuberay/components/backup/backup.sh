#!/bin/bash
# Backs up database airis: each shard by one of its replicas, under $BACKUP_NAME (the date and time unless given).
# $BACKUP_TO is ClickHouse's destination with %s for the path; $SHARDS are the shards, comma between the replicas of one.
set -euo pipefail
name=${BACKUP_NAME:-$(date -u +%Y-%m-%d/%H%M%S)}
client() { clickhouse-client --host "$1" --user backup --password "$CLICKHOUSE_PASSWORD" --query "$2"; }
number=0
for shard in $SHARDS; do
  number=$((number + 1))
  path=$(printf '%s/shard-%02d' "$name" "$number")
  # shellcheck disable=SC2059 # the format is the configuration's
  where=$(printf "$BACKUP_TO" "$path")
  for host in ${shard//,/ }; do
    if client "$host" "SELECT 1" >/dev/null; then break; fi
    host=
  done
  [ -n "${host:-}" ] || { echo "no replica of shard $number answers ($shard)" >&2; exit 1; }
  client "$host" "SYSTEM SYNC DATABASE REPLICA airis"
  echo "shard $number by $host to $where"
  # Rows of the base tables beforehand: the weekly restore must find at least them.
  client "$host" "SELECT name, total_rows FROM system.tables WHERE database = 'airis' AND total_rows > 0 ORDER BY name FORMAT TSV"
  client "$host" "BACKUP DATABASE airis TO $where"
done
echo "backup $name is whole"
