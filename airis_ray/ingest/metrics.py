"""Every metric of the way in, with its meaning and what to do when it moves."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

REQUESTS: Final = Counter(
    "airis_ingest_requests",
    "Requests by outcome (HTTP status or gRPC code); transport is http or grpc for OTLP, else the system whose form "
    "they have. Cure for refused ones: on 413 send less at once, on 429 and 503 look at "
    "airis_ingest_pending_bytes and airis_ingest_commit_seconds",
    ("tenant", "signal", "transport", "status"),
)
RECEIVED_BYTES: Final = Counter(
    "airis_ingest_received_bytes",
    "Bytes of OTLP request bodies as they came, compressed or not",
    ("tenant", "signal"),
)
ACCEPTED: Final = Counter(
    "airis_ingest_accepted_records",
    "Log records, spans and data points that are durable",
    ("tenant", "signal"),
)
REJECTED: Final = Counter(
    "airis_ingest_rejected_records",
    "Records that the decoder refused one by one. Cure: partial_success in the answer says which and why",
    ("tenant", "signal"),
)
PENDING_BYTES: Final = Gauge(
    "airis_ingest_pending_bytes",
    "Bytes between the socket and the store; at AIRIS_INGEST_MAX_PENDING_BYTES requests are refused. Cure: a "
    "faster store, or more replicas where the store is not the limit",
)
COMMIT_ROWS: Final = Histogram(
    "airis_ingest_commit_rows",
    "Rows of one insert. Below 10,000 under load the store works at a third of its rate: raise "
    "AIRIS_INGEST_COMMIT_INTERVAL",
    ("table",),
    buckets=(10, 100, 1_000, 5_000, 10_000, 25_000, 50_000, 100_000),
)
COMMIT_SECONDS: Final = Histogram(
    "airis_ingest_commit_seconds",
    "Seconds from an insert's first attempt to its acknowledgement, retries included",
    ("table",),
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
COMMIT_RETRIES: Final = Counter(
    "airis_ingest_commit_retries",
    "Inserts tried again because the store did not answer. Cure: look at the store's own state in /readyz",
    ("table",),
)
DELIVERY_SECONDS: Final = Histogram(
    "airis_ingest_delivery_seconds",
    "Seconds until the Kafka brokers acknowledged a request. Cure for slow ones: look at the brokers' disks and "
    "copies in sync",
    ("topic",),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
DELIVERY_ERRORS: Final = Counter(
    "airis_ingest_delivery_errors",
    "Requests that Kafka did not take, by the error that the sender got. Cure: Unavailable, look at the brokers; "
    "Overloaded, more replicas or AIRIS_KAFKA_QUEUE_BYTES; TooLarge, the topic's max.message.bytes",
    ("topic", "kind"),
)
