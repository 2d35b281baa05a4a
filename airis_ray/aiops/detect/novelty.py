"""Alerts at the first sign of something new, from the past alone: for series that are watched as they come.

Two signs. Measures of six kinds (``signs``) by their ranks among their own past (``ranks``), several kinds at once
weighing more than one; and a value outside of the range so far (as in the detector of Numenta, Ahmad et al.,
Neurocomputing 2017). After an alert there is silence, unless something much worse comes.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, fields
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from airis_ray.aiops.detect import level, ranks, signs, state, stretches, tails
from airis_ray.aiops.detect.baseline import Expectation
from airis_ray.aiops.detect.judging import assembled, check_rows, fitted
from airis_ray.aiops.detect.robust import TO_DEVIATION
from airis_ray.aiops.protocol import Choice, Scores
from airis_ray.aiops.series import Bools, Floats, Ints, SeriesBatch
from airis_ray.errors import InvalidInput

BLOCK: Final = 400
"""Cells that are judged in one turn, at most."""
WARM: Final = 100
"""Cells without an alert, from which it is learned what counts as a deviation."""
KEPT: Final = 2**14
"""Cells of the past that are remembered."""
BEYOND: Final = 6.0
"""Weight of a value out of range."""
FINE: Final = 30.0
"""A value beyond the range by a thirtieth of it counts log 2."""
SILENCE: Final = 120
"""Cells without a further alert, unless it is WORSE times as strong."""
WORSE: Final = 2.0
LEAST: Final = 3.0
"""Strength below which nothing is an alert, whatever the threshold."""
STRENGTH: Final = 22.0
"""Strength at which the score is one half."""
LITTLE: Final = 0.01
"""Of the deviation of the first cells: counts as none."""
_HUGE: Final = 1e140
"""Its square is still a number."""


@dataclass
class Past:
    """What is remembered of ``n`` series; every array [n, ...] with the same cells in the same columns."""

    values: Floats
    """[n, t] without holes, less ``centre``"""
    largest: Floats
    """[n, measures, stretches] of each measure in each whole stretch"""
    peak: Floats
    """[n, measures] the same of the stretch that is not over"""
    centre: Floats
    little: Floats
    """[n] what counts as no deviation"""
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
        unknown = np.full(n, np.nan)
        return cls(
            values=np.zeros((n, 0)),
            largest=np.zeros((n, signs.COUNT, 0)),
            peak=np.zeros((n, signs.COUNT)),
            centre=unknown,
            little=np.ones(n),
            top=unknown.copy(),
            bottom=unknown.copy(),
            alerted=np.full(n, -(10**9), dtype=np.int64),
            strength=np.zeros(n),
            ends=starts.copy(),
            steps=steps,
            dropped=np.zeros(1, np.int64),
        )

    @property
    def seen(self) -> int:
        """Cells so far."""
        cells: int = int(self.dropped[0]) + self.values.shape[1]
        return cells

    def alerts(self, values: Floats) -> Floats:
        """[n, m]: the strength of alerts at new cells, 0 for none; remembers them."""
        first = self.seen
        return self.silenced(self.strengths(values), first)

    def strengths(self, values: Floats) -> Floats:
        """[n, m]: how new each new cell is, before any silence; learns them. Blocks do not depend on the cut."""
        found = np.zeros(values.shape)
        at = 0
        while at < values.shape[1]:
            first = self.seen
            size = WARM - first if first < WARM else BLOCK - first % BLOCK
            found[:, at : at + size] = self._block(values[:, at : at + size])
            at += size
        return found

    def _block(self, values: Floats) -> Floats:
        first = self.seen
        if first == WARM:
            self._begun()
        self._forget()
        known = ~np.isnan(values)
        filled = self._filled(values)
        beyond = self._beyond(filled)
        self.values = np.concatenate([self.values, filled], axis=1)
        if first < WARM:
            return np.zeros(values.shape)
        weight = self._weighed(self._measured(filled.shape[1], first), first)
        strength = weight + BEYOND * np.log1p(FINE * beyond)
        return np.where(known, strength, 0.0)

    def _begun(self) -> None:
        """Sums lose digits far from 0, and a first value may be any: the first cells' median is near all."""
        shift = np.median(self.values, axis=1)
        shift = np.where(np.isnan(self.centre), 0.0, shift)
        self.values = self.values - shift[:, None]
        self.centre, self.top, self.bottom = self.centre + shift, self.top - shift, self.bottom - shift
        least = np.maximum(np.abs(np.nan_to_num(self.centre)) * 1e-6, 1e-12)
        self.little = np.maximum(LITTLE * self.values.std(axis=1), least)
        self._weighed(self._measured(WARM, 0), 0)

    def _measured(self, size: int, first: int) -> Floats:
        begun = first - first % BLOCK - int(self.dropped[0])
        stride = 1 << max(int(np.ceil(np.log2(max(begun, 1) / signs.REFERENCES))), 0)
        return signs.measures(self.values, size, int(self.dropped[0]), stride, self.little)

    def _weighed(self, measured: Floats, first: int) -> Floats:
        """[n, m], by ranks among the stretches before; remembers the largest of each stretch."""
        found = np.zeros((len(measured), measured.shape[2]))
        at = 0
        while at < measured.shape[2]:
            part = measured[:, :, at : at + ranks.STRETCH - (first + at) % ranks.STRETCH]
            size = part.shape[2]
            top = ranks.leaders(self.largest)
            found[:, at : at + size] = ranks.weight(part, top, self.largest.shape[2])
            self.peak = np.maximum(self.peak, part.max(axis=2))
            at += size
            if (first + at) % ranks.STRETCH == 0:
                kept = self.largest[:, :, -ranks.REMEMBERED + 1 :]
                self.largest = np.concatenate([kept, self.peak[:, :, None]], axis=2)
                self.peak = np.zeros_like(self.peak)
        return found

    def _forget(self) -> None:
        """At the beginning of a block only, so that it does not depend on the cut."""
        if self.seen % BLOCK == 0 and self.values.shape[1] > KEPT + BLOCK:
            self.dropped = self.dropped + self.values.shape[1] - KEPT
            self.values = self.values[:, -KEPT:]

    def _filled(self, values: Floats) -> Floats:
        missing = np.isnan(values)
        columns = np.broadcast_to(np.arange(values.shape[1]), values.shape)
        start = np.where(missing, values.shape[1], columns).min(axis=1)
        first = np.take_along_axis(values, np.minimum(start, values.shape[1] - 1)[:, None], axis=1)[:, 0]
        self.centre = np.where(np.isnan(self.centre), first, self.centre)
        before = self.values[:, -1] if self.values.shape[1] else np.zeros(len(values))
        joined = np.concatenate(
            [before[:, None], np.clip(values - self.centre[:, None], -_HUGE, _HUGE)], axis=1
        )
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

    def silenced(self, strength: Floats, first: int) -> Floats:
        """Only what begins an alert is left, ``first``: the first cell. One turn for each alert, not for each cell."""
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
        self._own: tuple[SeriesBatch, Floats] | None = None

    def fit(self, history: SeriesBatch) -> Self:
        """See :class:`~airis_ray.aiops.protocol.Detector`."""
        self.names, self.hole = history.names, stretches.longest_hole(history)
        self.past = Past.empty(history.starts, history.steps)
        self._own = (history, self.past.alerts(history.values))
        self.past.ends = history.starts + history.width * history.steps
        return self

    def score(self, batch: SeriesBatch) -> Scores:
        """See :class:`~airis_ray.aiops.protocol.Detector`; a batch within the history is judged by itself."""
        past = fitted(self.past)
        check_rows(self.names, batch)
        if self._own is not None and self._own[0] is batch:
            return self._told(batch, self._own[1])
        replayed = bool((batch.starts < past.ends).any())
        judge = Past.empty(batch.starts, batch.steps) if replayed else copy.deepcopy(past)
        return self._told(batch, judge.alerts(self._gap(judge, batch))[:, -batch.width :])

    def update(self, newest: SeriesBatch) -> Scores:
        """See :class:`~airis_ray.aiops.protocol.Detector`."""
        past = fitted(self.past)
        check_rows(self.names, newest)
        known = int(np.clip((past.ends - newest.starts) // newest.steps, 0, newest.width).max(initial=0))
        self._own, strength = None, np.zeros(newest.values.shape)
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
        missing = sorted({f"past_{field.name}" for field in fields(Past)} - arrays.keys())
        if missing:
            raise InvalidInput(
                f"state of an earlier {cls.name} detector, without {missing}: expected one fitted anew"
            )
        made = cls()
        made.names, made.hole = state.read_names(arrays["names"]), arrays["hole"]
        own: dict[str, Any] = {field.name: arrays[f"past_{field.name}"].copy() for field in fields(Past)}
        made.past = Past(**own)
        return made
