#!/bin/bash
# Completes the properties with what this pod and the number of pods say, formats an empty volume, and starts Kafka.
# $1: broker or controller.
set -euo pipefail
role=$1
ordinal=${POD_NAME##*-}
out=/tmp/server.properties
cp "/config/$role.properties" "$out"
{
  echo
  echo "controller.quorum.voters=$KAFKA_VOTERS"
  echo "default.replication.factor=$KAFKA_REPLICATION"
  echo "min.insync.replicas=$KAFKA_MIN_ISR"
  echo "offsets.topic.replication.factor=$KAFKA_REPLICATION"
  echo "transaction.state.log.replication.factor=$KAFKA_REPLICATION"
  echo "transaction.state.log.min.isr=$KAFKA_MIN_ISR"
  echo "share.coordinator.state.topic.replication.factor=$KAFKA_REPLICATION"
  echo "share.coordinator.state.topic.min.isr=$KAFKA_MIN_ISR"
  if [ "$role" = controller ]; then
    echo "node.id=$((ordinal + 1))"
  else
    host=$POD_NAME.kafka-headless.$POD_NAMESPACE.svc.cluster.local
    echo "node.id=$((ordinal + 101))"
    echo "listener.security.protocol.map=CLIENT:$KAFKA_CLIENT_PROTOCOL,REPLICATION:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT"
    echo "advertised.listeners=CLIENT://$host:9092,REPLICATION://$host:29092"
    if [ -f /tls/tls-combined.pem ]; then # component certificates
      echo "listener.name.client.ssl.keystore.type=PEM"
      echo "listener.name.client.ssl.keystore.location=/tls/tls-combined.pem"
    fi
  fi
} >>"$out"
# lost+found of a fresh volume is no log folder
mkdir -p /var/lib/kafka/data
/opt/kafka/bin/kafka-storage.sh format --ignore-formatted --cluster-id "$KAFKA_CLUSTER_ID" --config "$out"
exec /opt/kafka/bin/kafka-server-start.sh "$out"
