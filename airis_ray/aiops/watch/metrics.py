"""Every metric of the watcher, with its meaning and what to do when it moves."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

SERIES: Final = Gauge(
    "airis_watch_series", "Series that this watcher holds, by where they come from", ("source",)
)
PENDING: Final = Gauge(
    "airis_watch_pending_series",
    "Series that are known and not judged yet: they have fewer cells than AIRIS_WATCH_WARMUP",
    ("source",),
)
LEFT_OUT: Final = Gauge(
    "airis_watch_left_out_series",
    "Series past AIRIS_WATCH_MAX_SERIES, which nobody judges. Cure: more replicas of the application watch, or a "
    "higher limit where there is memory",
)
FORGOTTEN: Final = Counter(
    "airis_watch_forgotten_series", "Series no longer held: silent for longer than AIRIS_WATCH_FORGET"
)
POINTS: Final = Counter("airis_watch_points", "Points judged", ("source",))
BEHIND: Final = Gauge(
    "airis_watch_behind_seconds",
    "Seconds between now and the end of the oldest cell not judged yet, without AIRIS_WATCH_SETTLE and the cell "
    "itself: 0 where the watcher keeps up. Cure where it grows: the store's state in /readyz, the stream's lag, more "
    "replicas of the application watch",
)
TURN_SECONDS: Final = Histogram(
    "airis_watch_turn_seconds",
    "Seconds of one look at everything. Cure where it nears AIRIS_WATCH_INTERVAL: more replicas, or a longer interval",
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300),
)
FOUND: Final = Counter("airis_watch_anomalies", "Anomalies that were told and are over", ("tenant", "signal"))
LEARNED: Final = Counter("airis_watch_learned_series", "Series learned, and learned anew", ("source",))
ERRORS: Final = Counter(
    "airis_watch_errors",
    "Looks that failed, by the kind of error; what they left undone the next one does. Cure: logger "
    "airis_ray.aiops.watch; for Unavailable the store's state",
    ("kind",),
)
