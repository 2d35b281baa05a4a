#!/bin/sh
# The password goes in by a file of the pod's own: on the command line every process of the node could read it.
# $1: cache or gcs.
set -eu
umask 077
cp "/config/$1.conf" /tmp/redis.conf
{
  echo
  echo "requirepass $REDIS_PASSWORD"
} >>/tmp/redis.conf
exec valkey-server /tmp/redis.conf
