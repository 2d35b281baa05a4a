"""The buckets of a series answer: they start at ``from``, each ``step`` long, the last one cut at ``to``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from airis_ray.errors import InvalidInput
from airis_ray.telemetry.times import format_duration

MAX_BUCKETS: Final = 11_000
"""Buckets of one answer; Prometheus's bound, past what any screen shows."""

MAX_POINTS: Final = 100 * MAX_BUCKETS
"""Buckets times series of one answer; some 20 MB of JSON."""

_AIM: Final = 120
_SECOND: Final = 1_000_000_000
_STEPS: Final = tuple(
    count * unit
    for unit, counts in (
        (1_000_000, (1, 2, 5, 10, 20, 50, 100, 200, 500)),
        (_SECOND, (1, 2, 5, 10, 15, 20, 30)),
        (60 * _SECOND, (1, 2, 5, 10, 15, 20, 30)),
        (3_600 * _SECOND, (1, 2, 3, 4, 6, 8, 12)),
        (86_400 * _SECOND, (1, 2, 7, 14, 28)),
    )
    for count in counts
)


@dataclass(frozen=True)
class Grid:
    """Buckets over ``[start, end)``; all three in nanoseconds. Build with :func:`grid`."""

    start: int
    end: int
    step: int

    @property
    def count(self) -> int:
        """How many buckets there are, the cut last one included."""
        return -(-(self.end - self.start) // self.step)

    def starts(self) -> npt.NDArray[np.int64]:
        """The start of each bucket, nanoseconds since 1970."""
        return self.start + np.arange(self.count, dtype=np.int64) * self.step

    def seconds(self) -> npt.NDArray[np.float64]:
        """The true length of each bucket."""
        return np.minimum(self.step, self.end - self.starts()) / _SECOND


def default_step(start: int, end: int, *, shortest: int = 1_000_000) -> int:
    """A round step of at least ``shortest`` that cuts the range into at most 120 buckets; nanoseconds."""
    exact = max(-(-(end - start) // _AIM), shortest)
    fitting = next((step for step in _STEPS if step >= exact), None)
    return fitting if fitting is not None else -(-exact // _STEPS[-1]) * _STEPS[-1]


def grid(start: int, end: int, step: int | None, *, shortest: int = 1_000_000) -> Grid:
    """The buckets of a range, ``step`` None for a round default of at least ``shortest``.

    Raises InvalidInput for an empty range, a step that is not positive and for too many buckets.
    """
    if end <= start:
        raise InvalidInput.field("/to", "the range is empty: `to` has to be later than `from`")
    made = Grid(start, end, default_step(start, end, shortest=shortest) if step is None else step)
    if made.step <= 0:
        raise InvalidInput.field("/step", "expected a duration above zero, such as 30s")
    if made.count > MAX_BUCKETS:
        least = format_duration(default_step(start, end))
        raise InvalidInput.field(
            "/step",
            f"{format_duration(made.step)} cuts the range into {made.count} buckets; "
            f"at most {MAX_BUCKETS} are answered, {least} would make about {_AIM}",
        )
    return made
