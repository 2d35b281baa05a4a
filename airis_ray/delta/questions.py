"""Which comparison explains an anomaly: what failed beside what did not, slow beside fast, now beside before."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

from airis_ray.delta.attributes import quoted
from airis_ray.delta.models import CompareRequest, Group
from airis_ray.telemetry.times import SECOND, format_time

_MILLISECOND: Final = 1_000_000
_HOUR: Final = 3600 * SECOND
_GAP: Final = 120 * SECOND
"""Time before an anomaly that counts for neither side: what it began with."""
_ANSWERED: Final = 10
_REQUESTS: Final = "kind:(server or consumer)"
"""The spans that the watcher's series of a service are made of."""


@dataclass(frozen=True)
class Told:
    """What is known of an anomaly on traces or logs; ``[start, end)`` in nanoseconds."""

    tenant: str
    id: str
    start: int
    end: int
    service: str
    signal: Literal["traces", "logs"]
    metric: str
    direction: str
    expected: float
    actual: float


def questions(told: Told) -> list[CompareRequest]:
    """The comparisons that may explain an anomaly, the most telling first: the next is for where one has no events.

    The target is always of the anomaly's own time.
    """
    base = f"service:{quoted(told.service)}" if told.service else "-service:*"
    if told.signal == "logs":
        level = told.metric.removeprefix("logs").removeprefix(".")
        if not level:
            return [_before(told, base)]
        return [_before(told, f"{base} level:{level}"), _beside(told, base, f"level:{level}")]
    base = f"{base} {_REQUESTS}"
    asked = [_before(told, base)]
    if told.direction == "above" and told.metric in ("errors", "error_rate"):
        asked.insert(0, _beside(told, base, "status:error"))
    if told.direction == "above" and told.metric.startswith("duration") and _slow(told) is not None:
        asked.insert(0, _beside(told, base, f"duration:>={_slow(told)}ns"))
    return asked


def _slow(told: Told) -> int | None:
    """Nanoseconds halfway, as ratios go, between the usual duration and that of the anomaly (milliseconds)."""
    product = told.expected * told.actual
    return round(math.sqrt(product) * _MILLISECOND) if 0 < product < math.inf else None


def _beside(told: Told, base: str, condition: str) -> CompareRequest:
    """The events that meet a condition beside those of the same time that do not."""
    return _request(
        told, f"{base} {condition}", f"{base} -{condition}", format_time(told.start), format_time(told.end)
    )


def _before(told: Told, query: str) -> CompareRequest:
    """The events of the anomaly's time beside those of the hour before it, or of a time as long as it."""
    end = max(0, told.start - _GAP)
    start = max(0, end - max(_HOUR, told.end - told.start))
    return _request(told, query, query, format_time(start), format_time(end))


def _request(told: Told, target: str, baseline: str, start: str, end: str) -> CompareRequest:
    return CompareRequest(
        signal=told.signal,
        target=Group.model_validate(
            {"query": target, "from": format_time(told.start), "to": format_time(told.end)}
        ),
        baseline=Group.model_validate({"query": baseline, "from": start, "to": end}),
        limit=_ANSWERED,
    )
