"""Which side of what is usual is worth telling: fewer errors, or a disk that was cleaned, are nobody's trouble."""

from __future__ import annotations

import re
from typing import Final

from airis_ray.aiops.watch.findings import Subject
from airis_ray.aiops.watch.tracking import Track

_COSTS: Final = frozenset(
    (
        "age", "backlog", "blocked", "busy", "conflicts", "declined", "delay", "denied", "depth",
        "discarded", "drops", "dropped", "duration", "elapsed", "error", "errors", "evicted",
        "evictions", "exceptions", "expired", "failed", "failure", "failures", "lag", "latency", "load",
        "lost", "p50", "p95", "p99", "paging", "panics", "pause", "pauses", "pending", "pressure",
        "refused", "rejected", "rejections", "restarts", "retries", "retry", "saturation", "throttled",
        "throttling", "time", "timeouts", "timeout", "usage", "used", "utilisation", "utilization",
        "wait", "waiting",
    )
)  # fmt: skip
"""Words in the names of metrics of which less is better, or at least no harm."""
_LEVELS: Final = frozenset({"logs.warn", "logs.error", "logs.fatal"})
_WORDS: Final = re.compile(r"[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])")


def harmless(subject: Subject, track: Track) -> bool:
    """Whether a deviation lies below what is usual of something that costs: errors, durations,
    backlogs, what is in use.

    Of everything else (requests, rates, shares of hits, what is free) both sides count.
    """
    return track.value < track.expected and costs(subject)


def costs(subject: Subject) -> bool:
    """Whether less of it is no harm."""
    if subject.signal == "logs":
        return subject.metric in _LEVELS
    return not _COSTS.isdisjoint(word.lower() for word in _WORDS.split(subject.metric))
