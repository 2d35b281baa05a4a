"""Alerts at the first sign of something new, from the past alone: for series that are watched as they come.

Two signs. A window of 48 cells whose nearest neighbour in the past is farther than neighbours usually were, and a
value outside of the range so far (as in the detector of Numenta, Ahmad et al., Neurocomputing 2017). After an alert
there is silence, unless something much worse comes.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, fields
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from airis_ray.aiops.detect import level, state, stretches, tails
from airis_ray.aiops.detect.baseline import Expectation
from airis_ray.aiops.detect.judging import assembled, check_rows, fitted
from airis_ray.aiops.detect.robust import TO_DEVIATION
from airis_ray.aiops.protocol import Choice, Scores
from airis_ray.aiops.series import Bools, Floats, Ints, SeriesBatch

WINDOW: Final = 48
"""Cells of a window."""
BLOCK: Final = 100
"""Cells after which what is usual is reckoned anew; there are no alerts in the first ones."""
LEARNED: Final = 3 * BLOCK
"""Cells before windows are judged at all."""
REFERENCES: Final = 600
"""Past windows that a window is compared with, at most."""
KEPT: Final = 2**14
"""Cells of the past that are remembered."""
BEYOND: Final = 6.0
"""Weight of a value out of range beside an unusual window."""
FINE: Final = 30.0
"""A value beyond the range by a thirtieth of it counts log 2."""
SILENCE: Final = 120
"""Cells without a further alert, unless it is WORSE times as strong."""
WORSE: Final = 1.5
LEAST: Final = 0.3
"""Strength below which nothing is an alert, whatever the threshold."""
STRENGTH: Final = 20.0
"""Strength at which the score is one half."""


@dataclass
class Past:
    """What is remembered of ``n`` series; every array [n, ...] with the same cells in the same columns."""

    values: Floats
    """[n, t] without holes, less ``centre``"""
    distance: Floats
    strange: Floats
    """[n, t] of each cell: distance to the nearest window before, and the same relative to what was usual then"""
    usual: Floats
    """[n, 3] in this block: usual distance; median and spread of strangeness"""
    centre: Floats
    top: Floats
    bottom: Floats
    """[n] NaN before the first value"""
    alerted: Ints
    """[n] cell of the last alert"""
    strength: Floats
    """[n] of that alert"""
    ends: Ints
    steps: Ints
    """[n] nanoseconds: the time of the next cell, and between two"""
    dropped: npt.NDArray[np.int64]
    """[1] cells forgotten"""

    @classmethod
    def empty(cls, starts: Ints, steps: Ints) -> Self:
        """Before the first cell."""
        n = len(starts)
        nothing = np.zeros((n, 0))
        unknown = np.full(n, np.nan)
        usual = np.tile([np.inf, 0.0, 1.0], (n, 1))
        never = np.full(n, -(10**9), dtype=np.int64)
        return cls(
            nothing,
            nothing,
            nothing,
            usual,
            unknown,
            unknown.copy(),
            unknown.copy(),
            never,
            np.zeros(n),
            starts.copy(),
            steps,
            np.zeros(1, np.int64),
        )

    @property
    def seen(self) -> int:
        """Cells so far."""
        cells: int = int(self.dropped[0]) + self.values.shape[1]
        return cells

    def alerts(self, values: Floats) -> Floats:
        """[n, m]: the strength of alerts at new cells, 0 for none; remembers them. Blocks do not depend on the cut."""
        found = np.zeros(values.shape)
        at = 0
        while at < values.shape[1]:
            size = min(BLOCK - self.seen % BLOCK, values.shape[1] - at)
            found[:, at : at + size] = self._block(values[:, at : at + size])
            at += size
        return found

    def _block(self, values: Floats) -> Floats:
        first = self.seen
        if first % BLOCK == 0:
            self._reckon()
        if first == BLOCK:
            self._centred()
        known = ~np.isnan(values)
        filled = self._filled(values)
        beyond = self._beyond(filled)
        self.values = np.concatenate([self.values, filled], axis=1)
        distance = self._distances(filled.shape[1], first)
        strange = np.log1p(3 * distance / self.usual[:, :1])
        self.distance = np.concatenate([self.distance, distance], axis=1)
        self.strange = np.concatenate([self.strange, strange], axis=1)
        unusual = np.maximum((strange - self.usual[:, 1:2]) / self.usual[:, 2:], 0.0)
        learned = first >= LEARNED
        strength = unusual * learned + BEYOND * np.log1p(FINE * beyond)
        warm = first + np.arange(values.shape[1]) >= BLOCK
        return self._silenced(np.where(known & warm, strength, 0.0), first)

    def _centred(self) -> None:
        """Distances lose digits far from 0, and a first value may be any: the first block's median is near all."""
        shift = np.median(self.values, axis=1)
        shift = np.where(np.isnan(self.centre), 0.0, shift)
        self.values = self.values - shift[:, None]
        self.centre, self.top, self.bottom = self.centre + shift, self.top - shift, self.bottom - shift

    def _filled(self, values: Floats) -> Floats:
        missing = np.isnan(values)
        columns = np.broadcast_to(np.arange(values.shape[1]), values.shape)
        start = np.where(missing, values.shape[1], columns).min(axis=1)
        first = np.take_along_axis(values, np.minimum(start, values.shape[1] - 1)[:, None], axis=1)[:, 0]
        self.centre = np.where(np.isnan(self.centre), first, self.centre)
        before = self.values[:, -1] if self.values.shape[1] else np.zeros(len(values))
        joined = np.concatenate([before[:, None], values - self.centre[:, None]], axis=1)
        held: Floats = level.held(joined)[:, 1:]
        return held

    def _beyond(self, filled: Floats) -> Floats:
        """By how much of the range so far a value lies outside of it."""
        known = ~np.isnan(self.centre)
        top = np.where(np.isnan(self.top), filled[:, 0], self.top)
        bottom = np.where(np.isnan(self.bottom), filled[:, 0], self.bottom)
        tops = np.maximum.accumulate(np.concatenate([top[:, None], filled], axis=1), axis=1)
        bottoms = np.minimum.accumulate(np.concatenate([bottom[:, None], filled], axis=1), axis=1)
        self.top = np.where(known, tops[:, -1], np.nan)
        self.bottom = np.where(known, bottoms[:, -1], np.nan)
        scale = np.abs(self.centre)[:, None]
        span = np.maximum(tops[:, :-1] - bottoms[:, :-1], np.maximum(np.nan_to_num(scale) * 1e-6, 1e-12))
        found: Floats = np.maximum(np.maximum(filled - tops[:, :-1], bottoms[:, :-1] - filled), 0.0) / span
        return found

    def _distances(self, size: int, first: int) -> Floats:
        """[n, size] of the windows that end at the newest cells to the nearest that ended before each began."""
        held = self.values
        dropped = int(self.dropped[0])
        if held.shape[1] < WINDOW or first < 2 * WINDOW:
            return np.zeros((len(held), size))
        # Float32 and single rows: scaled, so that huge values keep their distances.
        scale = np.maximum(np.abs(held).max(axis=1, keepdims=True), 1e-300)
        windows = np.lib.stride_tricks.sliding_window_view((held / scale).astype(np.float32), WINDOW, axis=1)
        stride = 1 << max(int(np.ceil(np.log2(max(first - dropped, 1) / REFERENCES))), 0)
        places = np.arange(-dropped % stride, windows.shape[1], stride)
        asked = windows[:, windows.shape[1] - size :]
        at = np.arange(windows.shape[1] - size, windows.shape[1])
        reference = np.ascontiguousarray(windows[:, places])
        table = (reference**2).sum(axis=2)[:, None] - 2 * asked @ reference.transpose(0, 2, 1)
        table[:, places[None, :] > (at - WINDOW)[:, None]] = np.inf
        nearest = table.min(axis=2) + (asked**2).sum(axis=2)
        found: Floats = np.sqrt(np.maximum(np.where(np.isfinite(nearest), nearest, 0.0), 0.0)) * scale
        return found

    def _reckon(self) -> None:
        """What is usual, from all that is remembered; then forget what is too old."""
        if self.values.shape[1] > KEPT + BLOCK:
            self.dropped = self.dropped + self.values.shape[1] - KEPT
            for name in ("values", "distance", "strange"):
                setattr(self, name, getattr(self, name)[:, -KEPT:])
        if not self.distance.shape[1]:
            return
        skipped = 2 * WINDOW if not self.dropped[0] and self.values.shape[1] > 2 * BLOCK else 0
        high, highest = np.quantile(self.distance[:, skipped:], (0.9, 0.98), axis=1)
        span = np.nan_to_num(self.top - self.bottom)
        usual = np.maximum(np.maximum(high, 0.3 * highest), np.maximum(1e-6 * span, 1e-12))
        middle, top = np.quantile(self.strange[:, skipped:], (0.5, 0.95), axis=1)
        self.usual = np.stack([usual, middle, np.maximum(top - middle, 0.1)], axis=1)

    def _silenced(self, strength: Floats, first: int) -> Floats:
        """Only what begins an alert is left. One turn for each alert of a series, not for each cell."""
        cell = first + np.arange(strength.shape[1])
        found = np.zeros(strength.shape)
        rows = np.arange(len(strength))
        while len(rows):
            free = cell > self.alerted[rows, None] + SILENCE
            worse = (cell > self.alerted[rows, None]) & (strength[rows] > WORSE * self.strength[rows, None])
            begins = (strength[rows] > LEAST) & (free | worse)
            some = begins.any(axis=1)
            rows, column = rows[some], begins[some].argmax(axis=1)
            found[rows, column] = self.strength[rows] = strength[rows, column]
            self.alerted[rows] = cell[column]
        return found


class NoveltyDetector:
    """Alerts from the past alone, one for each event; see the module."""

    name = "novelty"

    def __init__(self) -> None:
        self.names: tuple[str, ...] = ()
        self.past: Past | None = None
        self.hole: Ints = np.zeros(0, np.int64)

    def fit(self, history: SeriesBatch) -> Self:
        """See :class:`~airis_ray.aiops.protocol.Detector`."""
        self.names, self.hole = history.names, stretches.longest_hole(history)
        self.past = Past.empty(history.starts, history.steps)
        self.past.alerts(history.values)
        self.past.ends = history.starts + history.width * history.steps
        return self

    def score(self, batch: SeriesBatch) -> Scores:
        """See :class:`~airis_ray.aiops.protocol.Detector`; a batch within the history is judged by itself."""
        past = fitted(self.past)
        check_rows(self.names, batch)
        replayed = bool((batch.starts < past.ends).any())
        judge = Past.empty(batch.starts, batch.steps) if replayed else copy.deepcopy(past)
        return self._told(batch, judge.alerts(self._gap(judge, batch))[:, -batch.width :])

    def update(self, newest: SeriesBatch) -> Scores:
        """See :class:`~airis_ray.aiops.protocol.Detector`."""
        past = fitted(self.past)
        check_rows(self.names, newest)
        known = int(np.clip((past.ends - newest.starts) // newest.steps, 0, newest.width).max(initial=0))
        strength = np.zeros(newest.values.shape)
        rest = newest.cut(known, newest.width)
        if rest.width:
            strength[:, known:] = past.alerts(self._gap(past, rest))[:, -rest.width :]
            past.ends = rest.starts + rest.width * rest.steps
        return self._told(newest, strength, np.broadcast_to(np.arange(newest.width) < known, strength.shape))

    def _gap(self, past: Past, batch: SeriesBatch) -> Floats:
        """The cells of a batch, those skipped before it as missing ones."""
        skipped = int(np.clip((batch.starts - past.ends) // batch.steps, 0, KEPT).max(initial=0))
        return np.concatenate([np.full((len(batch), skipped), np.nan), batch.values], axis=1)

    def _told(self, batch: SeriesBatch, strength: Floats, known: Bools | None = None) -> Scores:
        score = (strength / (strength + STRENGTH)).astype(np.float32)
        score[~batch.present] = 0.0
        expected = level.before(batch.values, level.REACHES[0])
        size = np.abs(batch.values - expected)
        usual = np.maximum(
            level.before(size, level.REACHES[1]) * TO_DEVIATION, np.abs(expected) * 1e-3 + 1e-12
        )
        found = Expectation(expected, usual, (batch.values - expected) / usual)
        absent = stretches.absences(batch, self.hole)
        if known is not None:
            absent &= ~known
        why = (
            "newness against its own past, for alerts as points come",
            "점이 들어오는 대로 과거와 견주어 처음 보는 것을 알립니다",
        )
        choices = (Choice("novelty", 0, *why),) * len(batch)
        scores = assembled(batch, found, score, choices, stretches.told(batch, score, found, absent))
        assert scores.threshold == tails.THRESHOLD
        return scores

    def save(self) -> bytes:
        """See :class:`~airis_ray.aiops.protocol.Detector`."""
        past = fitted(self.past)
        arrays: state.Arrays = {f"past_{field.name}": getattr(past, field.name) for field in fields(past)}
        return state.pack(self.name, arrays | {"names": state.names(self.names), "hole": self.hole})

    @classmethod
    def load(cls, saved: bytes) -> Self:
        """See :class:`~airis_ray.aiops.protocol.Detector`."""
        arrays = state.unpack(cls.name, saved)
        made = cls()
        made.names, made.hole = state.read_names(arrays["names"]), arrays["hole"]
        own: dict[str, Any] = {field.name: arrays[f"past_{field.name}"].copy() for field in fields(Past)}
        made.past = Past(**own)
        return made
