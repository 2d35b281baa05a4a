"""Every metric of calls to the outside, with its meaning and what to do when it moves."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter

OPENINGS: Final = Counter(
    "airis_breaker_openings",
    "Times that calls to a part were suspended because it did not answer. Cure: look at the part itself; the "
    "reason is in /readyz and in the log (logger airis_ray.resilience.breaker)",
    ("breaker",),
)
REFUSALS: Final = Counter(
    "airis_breaker_refusals",
    "Calls refused at once because their part was known to be down",
    ("breaker",),
)
