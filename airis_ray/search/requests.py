"""What a question becomes: a request of the contract, over a range of time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from airis_ray.search.instants import Times

_HOUR: Final = timedelta(hours=1)
_UNITS: Final = ((86_400, "d"), (3600, "h"), (60, "m"), (1, "s"))


@dataclass(frozen=True)
class Proposal:
    """A request: its method, its path (filled in) and its body, or its query parameters for a GET."""

    method: str
    endpoint: str
    body: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Window:
    """The range that is asked for; ``said`` is whether the question named one."""

    start: datetime
    end: datetime
    said: bool

    def body(self) -> dict[str, str]:
        """As a request's fields."""
        return {"from": written(self.start), "to": written(self.end)}

    @property
    def seconds(self) -> float:
        """Its length."""
        return (self.end.astimezone(UTC) - self.start.astimezone(UTC)).total_seconds()


def written(moment: datetime) -> str:
    """RFC 3339 with the zone's offset; Z for UTC."""
    text = moment.isoformat()
    return text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") else text


def window(times: Times, now: datetime, number: int = 0) -> Window:
    """One of a question's ranges; the hour before ``now`` where there is none."""
    if number < len(times.ranges):
        found = times.ranges[number]
        return Window(found.start, found.end, True)
    return Window(now - _HOUR, now, False)


def length(seconds: float) -> str:
    """A duration of the contract; what is not whole seconds is taken up to the next."""
    whole = max(int(-(-seconds // 1)), 1)
    for size, unit in _UNITS:
        if whole % size == 0:
            return f"{whole // size}{unit}"
    return f"{whole}s"
