#!/bin/bash
# Restores database airis from backup $BACKUP_NAME into a cluster whose database is empty: the tables come with it.
# Stop the platform first (airis kube restore does), and drop what is there: docs/kubernetes.md.
set -euo pipefail
: "${BACKUP_NAME:?name the backup, such as 2026-11-23/020000}"
client() { clickhouse-client --host "$1" --user backup --password "$CLICKHOUSE_PASSWORD" --query "$2"; }
number=0
for shard in $SHARDS; do
  number=$((number + 1))
  host=${shard%%,*}
  path=$(printf '%s/shard-%02d' "$BACKUP_NAME" "$number")
  # shellcheck disable=SC2059 # the format is the configuration's
  where=$(printf "$BACKUP_TO" "$path")
  tables=$(client "$host" "SELECT count() FROM system.tables WHERE database = 'airis'")
  if [ "$number" = 1 ] && [ "$tables" != 0 ]; then
    echo "database airis has $tables tables: a restore wants an empty one" >&2
    exit 1
  fi
  echo "shard $number by $host from $where"
  # The other replicas get the tables by the replicated database and the rows by replication.
  client "$host" "RESTORE DATABASE airis FROM $where SETTINGS create_database = 0, create_table = 'if-not-exists'"
done
echo "backup $BACKUP_NAME is restored"
