"""The series of one request: what is good goes onto grids, what is bad is named with its place in the request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from airis_ray.aiops.gridding import Points, Reading, SeriesError, place
from airis_ray.aiops.series import Bools, Floats, Ints
from airis_ray.errors import FieldError, TooLarge, Unprocessable

MAX_POINTS: Final = 2**20
"""Points of one request, as many as 16 MiB of Arrow hold."""
MAX_SERIES: Final = 50_000
MAX_CELLS: Final = 2**23
"""Cells of one request's grids: eight a point. What is longer is mostly holes, and memory."""
LAST: Final = 2**62
"""Nanoseconds: a time in the year 2116. Differences of later ones do not fit 64 bits."""


@dataclass
class Asked:
    """Series with their labels; series ``i`` holds the points ``[offsets[i], offsets[i + 1])``.

    A series that was refused while it was read has no points.
    """

    labels: list[dict[str, str]]
    points: Points
    rows: Ints | None = None
    """[points]: the row of the sender's table that each point came from; None: the same order"""
    fields: dict[int, str] = field(default_factory=dict)
    """Which field of a refused series is the bad one, where that is not its timestamps."""

    @classmethod
    def of(
        cls,
        labels: Sequence[Mapping[str, str]],
        offsets: Ints,
        times: Ints,
        values: Floats,
        rows: Ints | None = None,
    ) -> Asked:
        """From arrays of all points. Raises TooLarge past :data:`MAX_POINTS` or :data:`MAX_SERIES`."""
        if len(labels) > MAX_SERIES:
            raise TooLarge(f"{len(labels)} series; at most {MAX_SERIES} in one request")
        if len(times) > MAX_POINTS:
            raise TooLarge(f"{len(times)} points in all series; at most {MAX_POINTS} in one request")
        named = [dict(each) for each in labels]
        return cls(named, Points(_names(named), offsets, times, values), rows)

    def __len__(self) -> int:
        return len(self.labels)

    def refuse(self, series: int, name: str, position: int | None, message: str) -> None:
        """Leave a series out; the first reason stands."""
        if series not in self.points.errors:
            self.fields[series] = name
        self.points.refuse(series, position, message)

    def put_together(self, label: str) -> None:
        """Series with the same value of a label share a grid and, before a slash, the first part of their names.

        Raises Unprocessable where no series has the label; those without it stand alone.
        """
        if not any(label in each for each in self.labels):
            raise Unprocessable.field("/together", f"no series has a label {label}")
        groups: dict[str, int] = {}
        names, numbers = [], []
        for each, alone in zip(self.labels, self.points.names, strict=True):
            # A slash in the value itself would part it: it is shown as the sign that looks like one.
            group = each.get(label, alone).replace("/", "\u2215")
            rest = [f"{key}={value}" for key, value in each.items() if key != label]
            metric = rest[0].partition("=")[2] if len(rest) == 1 else ", ".join(rest) or "value"
            names.append(f"{group}/{metric}" if label in each else group)
            numbers.append(groups.setdefault(group, len(groups)))
        self.points.names, self.points.groups = names, np.array(numbers, dtype=np.int64)

    def check_times(self, missing: Bools | None = None) -> None:
        """Refuse series with a time that is null (``missing``) or outside of 1970 to 2116; such times become 0."""
        wrong = (self.points.times < 0) | (self.points.times > LAST)
        if missing is not None:
            wrong |= missing
        at = np.flatnonzero(wrong)
        owners, first = np.unique(
            np.searchsorted(self.points.offsets, at, side="right") - 1, return_index=True
        )
        for series, where in zip(owners.tolist(), at[first].tolist(), strict=True):
            position = where - int(self.points.offsets[series])
            came = "null" if missing is not None and missing[where] else str(self.points.times[where])
            message = (
                f"time at position {position} is {came}; expected nanoseconds of a time from 1970 to 2116"
            )
            self.points.refuse(series, position, message)
        if len(at):
            self.points.times = np.where(wrong, 0, self.points.times)

    def read(self, min_points: int) -> Reading:
        """Place the good series on their grids. Raises Unprocessable where none is good, TooLarge past the cells."""
        if not len(self):
            raise Unprocessable.field("/series", "there is none")
        self._check_known(min_points)
        found = place(self.points, min_points, None, most=MAX_CELLS)
        self.need_one()
        return found

    def need_one(self) -> None:
        """Raises Unprocessable where no series is good."""
        if len(self.points.errors) == len(self):
            errors = tuple(
                FieldError(self.pointer(i), self.points.errors[i].message) for i in self.points.errors
            )
            raise Unprocessable(self._told(), errors=errors)

    def faults(self, series: int) -> list[dict[str, object]]:
        """``errors[]`` of one series: empty, or why it was left out."""
        error: SeriesError | None = self.points.errors.get(series)
        if error is None:
            return []
        place_of = {"series": series, "name": error.name, "position": error.position}
        return [{"pointer": self.pointer(series), "detail": error.message, **place_of}]

    def pointer(self, series: int) -> str:
        """The JSON pointer to what is wrong with a refused series."""
        error = self.points.errors[series]
        name = self.fields.get(series, "" if error.position is None else "timestamps")
        steps = [str(step) for step in ("/series", series, name, error.position) if step not in ("", None)]
        return "/".join(steps)

    def _check_known(self, least: int) -> None:
        owner = np.repeat(np.arange(len(self)), self.points.counts)
        known = np.bincount(owner[np.isfinite(self.points.values)], minlength=len(self))
        for series in np.flatnonzero((known < least) & (self.points.counts >= least)).tolist():
            message = f"has {known[series]} values in {self.points.counts[series]} points; at least {least} are needed"
            self.points.refuse(series, None, message)

    def _told(self) -> str:
        first = min(self.points.errors)
        error = self.points.errors[first]
        more = f"; {len(self) - 1} more series are bad too" if len(self) > 1 else ""
        number = f"series {first}"
        name = number if error.name == number else f"{number} ({error.name})"
        return f"{name}: {error.message}{more}"


def _names(labels: list[dict[str, str]]) -> list[str]:
    """A name a series, made of its labels; a number where there are none or two have the same."""
    names, taken = [], set()
    for number, each in enumerate(labels):
        name = ", ".join(f"{key}={value}" for key, value in each.items()) or f"series {number}"
        name = f"{name} #{number}" if name in taken else name
        taken.add(name)
        names.append(name)
    return names
