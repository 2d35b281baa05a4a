"""Every metric of what stands in front of the applications, with its meaning and what to do when it moves."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Histogram

REQUESTS: Final = Counter(
    "airis_http_requests",
    "HTTP requests answered. Cure: for 429 raise AIRIS_LIMITS_*, for 503 look at /readyz, for 500 at the log "
    "(logger airis.errors)",
    ("service", "method", "route", "status"),
)
SECONDS: Final = Histogram(
    "airis_http_request_seconds",
    "Seconds from a request's arrival to the end of its answer, without the way through the proxy",
    ("service", "route"),
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
SELF_EXPORTS: Final = Counter(
    "airis_self_exports",
    "Exports of the platform's own telemetry by outcome. Cure for failed ones: look at the ingest application; "
    "what could not be sent is dropped once the bounded queues are full",
    ("signal", "outcome"),
)
ANSWERS: Final = Counter(
    "airis_answers",
    "Answers of analytics by where they came from: hit (given again), miss (asked of the store), bypass (the caller "
    "wanted it new). Cure for many misses of slow queries: a higher AIRIS_CACHE_ANSWER_TTL, or a Redis",
    ("outcome",),
)
