"""What a run of the demo is asked for; all that its telemetry depends on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from airis_ray.demo.faults import Fault
from airis_ray.demo.season import DAY, NS

HISTORY_RATE: Final = 2.0
"""Requests/s at the frontend, on average, that make about 1.5 M spans and 1 M logs a day."""
LIVE_RATE: Final = 8.0
"""Requests/s that make a lively page and leave a laptop its cores: about 70 spans/s."""
_SPANS_PER_BLOCK: Final = 25_000
_SPANS_PER_REQUEST: Final = 9


@dataclass(frozen=True)
class Plan:
    """A run; equal plans give the same payloads, to the byte.

    ``start`` is in nanoseconds, a whole second; ``duration`` in seconds, None being without end. A ``block`` is the
    stretch of time, in seconds, that is made at once: a part of the plan because the order of the records follows it.
    """

    seed: int
    start: int
    duration: int | None
    rate: float = HISTORY_RATE
    faults: tuple[Fault, ...] = ()
    metric_step: int = 60
    block: int = 600
    sessions: bool = True

    @property
    def end(self) -> int:
        """The end in nanoseconds; a year later for a run without end."""
        return self.start + (self.duration or 365 * DAY) * NS

    def with_faults(self, faults: tuple[Fault, ...]) -> Plan:
        """The same run with other faults."""
        return replace(self, faults=faults)

    @classmethod
    def history(
        cls, seed: int, start: int, duration: int, rate: float | None = None, faults: tuple[Fault, ...] = ()
    ) -> Plan:
        """The past: a data point a minute, blocks as long as is good for speed."""
        rate = HISTORY_RATE if rate is None else rate
        step = 60
        minutes = _SPANS_PER_BLOCK / (rate * _SPANS_PER_REQUEST) / step
        block = step * int(min(max(minutes, 1), 60))
        return cls(seed, start // NS * NS, duration, rate, faults, step, block)

    @classmethod
    def live(
        cls,
        seed: int,
        start: int,
        duration: int | None = None,
        rate: float | None = None,
        faults: tuple[Fault, ...] = (),
    ) -> Plan:
        """Now: a data point every fifteen seconds, made and sent in blocks of a few seconds."""
        rate = LIVE_RATE if rate is None else rate
        step, block = 15, 5
        return cls(seed, start // NS * NS, duration, rate, faults, step, block)
