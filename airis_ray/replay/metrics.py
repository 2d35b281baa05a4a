"""Every metric of recordings, with its meaning and what to do when it moves."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter

EVENTS: Final = Counter(
    "airis_replay_events", "rrweb events of recordings that were kept, by tenant and form", ["tenant", "form"]
)
BYTES: Final = Counter(
    "airis_replay_bytes",
    "Bytes of recordings that were kept: as JSON (recorded) and as compressed blocks (stored). Cure where they grow "
    "too fast: sample in the recorder, or a shorter AIRIS_RETENTION_SESSIONS",
    ["tenant", "kind"],
)
SWEPT_DAYS: Final = Counter(
    "airis_replay_swept_days",
    "Days of a tenant's recordings that were removed, by reason: retention, or disk (the disk was filling up). Cure of "
    "the latter: a larger disk, an object store (AIRIS_REPLAY_URL), or a shorter AIRIS_RETENTION_SESSIONS",
    ["reason"],
)
LOST_EVENTS: Final = Counter(
    "airis_replay_lost_events",
    "Sessions whose events of rules (rage clicks, errors) could not be written; the sessions have them in their "
    "timelines. Cure: look at the store's own state in /readyz",
)
