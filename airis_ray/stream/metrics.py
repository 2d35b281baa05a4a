"""Every metric of the consumers, with its meaning and what to do when it moves."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

MESSAGES: Final = Counter(
    "airis_stream_messages",
    "Messages of Kafka by what became of them: stored, repeated (sent twice, kept once) or dead (set aside in "
    "<topic>.dlq). Cure for dead ones: `airis dlq list` says why; `airis dlq replay` puts them back",
    ("topic", "fate"),
)
LAG: Final = Gauge(
    "airis_stream_lag_messages",
    "Messages of a partition that are in Kafka and not yet in the store. Cure where it grows: more replicas of the "
    "application stream, a faster store, or more partitions where there are as many replicas as those",
    ("partition",),
)
PENDING_BYTES: Final = Gauge(
    "airis_stream_pending_bytes",
    "Bytes between Kafka and the store; at AIRIS_STREAM_MAX_PENDING_BYTES nothing more is read. Cure: a faster store",
)
PARTITIONS: Final = Gauge(
    "airis_stream_partitions",
    "Partitions that this consumer reads, and those that it stopped at too many dead letters. Cure for stopped ones: "
    "`airis dlq list`, put the cause right or raise AIRIS_STREAM_DEAD_LETTER_*, restart",
    ("state",),
)
INSERT_ROWS: Final = Histogram(
    "airis_stream_insert_rows",
    "Rows of one insert. Below 10,000 under load the store works at a third of its rate: raise "
    "AIRIS_STREAM_BATCH_INTERVAL, or use fewer partitions",
    ("table",),
    buckets=(10, 100, 1_000, 5_000, 10_000, 25_000, 50_000, 100_000),
)
INSERT_SECONDS: Final = Histogram(
    "airis_stream_insert_seconds",
    "Seconds from an insert's first attempt to its acknowledgement, retries included",
    ("table",),
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
INSERT_RETRIES: Final = Counter(
    "airis_stream_insert_retries",
    "Inserts tried again because the store did not answer. Cure: look at the store's own state in /readyz",
    ("table",),
)
BATCH_SECONDS: Final = Histogram(
    "airis_stream_batch_seconds",
    "Seconds from a batch's first message to its commit, the wait for more messages included",
    ("topic",),
    buckets=(0.1, 0.25, 0.5, 1, 2, 2.5, 3, 4, 5, 10, 30, 60),
)
LATENCY_SECONDS: Final = Histogram(
    "airis_stream_latency_seconds",
    "Seconds from ingest's receipt of a batch's newest message to its commit: how late searches are at least",
    ("topic",),
    buckets=(0.1, 0.25, 0.5, 1, 2, 2.5, 3, 4, 5, 10, 30, 60, 300, 3600),
)
REBALANCES: Final = Counter(
    "airis_stream_rebalances",
    "Partitions assigned to this consumer, revoked from it, or lost (it was silent for too long). Cure for lost ones: "
    "more memory or CPU for the replica, or a longer AIRIS_STREAM_SESSION_TIMEOUT",
    ("event",),
)
EXPIRED: Final = Counter(
    "airis_stream_expired_messages",
    "Offsets that were gone before they were read: the retention of the topic was shorter than the lag. Cure: more "
    "consumers, or a longer AIRIS_KAFKA_RETENTION",
    ("topic",),
)
