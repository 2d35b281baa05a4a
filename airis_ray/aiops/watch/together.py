"""The metrics of one service judged together: what is too little to tell of any of them may be too much of several.

The evidence of a metric in a minute is minus the logarithm of its chance: that of its most unusual instance, less
the logarithm of how many there are (Bonferroni). What exceeds :data:`.evidence.USUAL` is summed over a service's
metrics, so that dozens that are as always add nothing. How large such sums are where nothing is wrong is learned from
the service's own last two days: peaks over a threshold with an exponential tail (Pickands, 1975). Metrics that always
move together count as one by that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Self

import numpy as np
import orjson

from airis_ray.aiops.detect import state, tails
from airis_ray.aiops.detect.robust import median, quantiles
from airis_ray.aiops.detect.stretches import LEVEL, runs
from airis_ray.aiops.detect.wording import with_others
from airis_ray.aiops.protocol import Kind, Scores, Singles
from airis_ray.aiops.series import MINUTE, Bools, Floats, Ints
from airis_ray.aiops.watch.evidence import USUAL, Evidence, Members, Pairs, evidence
from airis_ray.aiops.watch.findings import Finding, Subject, series_key
from airis_ray.aiops.watch.tracking import AT_THRESHOLD, Rules, Track, follow

MODEL: Final = "together"
PAST: Final = 2880
"""Minutes whose sums are known of each service."""
LEAST: Final = 720
"""Minutes of them before a service is judged."""
SEVERAL: Final = 2
"""Metrics, at least, that an anomaly is of."""
_PEAK: Final = 0.98
"""Quantile of the sums from which they are taken for peaks."""


@dataclass(frozen=True)
class Alone:
    """A service that something is told of anyway, from a series by itself, in ``[start, end)`` (nanoseconds)."""

    service: str
    start: int
    end: int


@dataclass(frozen=True)
class _Carried:
    """What carried a stretch that began at ``start``."""

    start: int
    severity: float
    subject: Subject
    others: tuple[str, ...]


class Together:
    """The services of one tenant. Every minute before ``done`` is judged; None: nothing yet."""

    def __init__(self, tenant: str) -> None:
        self._tenant = tenant
        self._pairs = Pairs()
        self._past: Singles = np.zeros((0, PAST), np.float32)
        self._entries: list[Evidence] = []
        self._tracks: dict[str, Track] = {}
        self._carried: dict[str, list[_Carried]] = {}
        self.done: int | None = None

    def take(self, members: Members, scores: Scores, start: int, step: int) -> None:
        """Hear what a group's series were judged to be."""
        self._entries.append(evidence(members, scores, start, step))

    def members(self, subjects: list[Subject]) -> Members:
        """Which services the series of a new group belong to."""
        return Members.of(subjects, self._pairs)

    def judge(
        self, upto: int, rules: Rules, thresholds: Mapping[int, float], alone: Iterable[Alone]
    ) -> list[Finding]:
        """What to keep of the minutes up to ``upto`` (nanoseconds), which every source has reached."""
        last, first = upto // MINUTE, self.done
        self.done = last if first is None else max(first, last)
        entries, self._entries = self._taken(last)
        if first is None or last <= first:
            return []
        entries = entries.where(entries.minute >= first).strongest()
        owner = np.array(self._pairs.owner, dtype=np.int64)[entries.pair]
        self._grow()
        joint, several = self._summed(entries, owner, first, last)
        score = self._score(joint, several)
        told_alone = self._alone(alone, first, last, rules)
        score[told_alone] = 0.0
        over = score > tails.THRESHOLD
        columns = np.arange(first, last) % PAST
        self._past[:, columns] = np.where(told_alone | over, np.nan, joint)
        return self._follow(score, over, entries, owner, first, rules, thresholds)

    def _taken(self, last: int) -> tuple[Evidence, list[Evidence]]:
        """The entries before minute ``last``, and the rest."""
        held = Evidence.joined([Evidence.nothing(), *self._entries])
        later = held.minute >= last
        return held.where(~later), [held.where(later)]

    def _grow(self) -> None:
        more = len(self._pairs.services) - len(self._past)
        if more > 0:
            self._past = np.concatenate([self._past, np.full((more, PAST), np.nan, np.float32)])

    def _summed(self, entries: Evidence, owner: Ints, first: int, last: int) -> tuple[Floats, Ints]:
        """[services, minutes]: the sums, and how many metrics are in them."""
        shape = (len(self._past), last - first)
        at = owner * shape[1] + entries.minute - first
        size = shape[0] * shape[1]
        summed = np.bincount(at, weights=entries.size - USUAL, minlength=size).astype(np.float64)
        several = np.bincount(at, minlength=size).astype(np.int64)
        return summed.reshape(shape), several.reshape(shape)

    def _score(self, joint: Floats, several: Ints) -> Singles:
        score = np.zeros(joint.shape, np.float32)
        rows = np.flatnonzero((several >= SEVERAL).any(axis=1))
        past = self._past[rows].astype(np.float64)
        known = (~np.isnan(past)).sum(axis=1) >= LEAST
        rows, past = rows[known], past[known]
        if rows.size:
            peak = quantiles(past, (_PEAK,))
            beyond = median(np.where(past > peak, past - peak, np.nan)) / np.log(2)
            length = np.maximum(np.nan_to_num(beyond, nan=1.0), 1.0)[:, None]
            improbable = (joint[rows] - peak) / length - np.log(1 - _PEAK)
            score[rows] = np.where(several[rows] >= SEVERAL, tails.score(improbable), 0.0)
        return score

    def _alone(self, alone: Iterable[Alone], first: int, last: int, rules: Rules) -> Bools:
        """[services, minutes] in which a service's trouble is told already, or was until just before."""
        found = np.zeros((len(self._past), last - first), dtype=bool)
        for each in alone:
            row = self._pairs.services.get(each.service)
            if row is not None:
                begin, end = each.start // MINUTE - first, -(-each.end // MINUTE) + rules.quiet - first
                found[row, max(begin, 0) : max(end, 0)] = True
        return found

    def _follow(
        self,
        score: Singles,
        over: Bools,
        entries: Evidence,
        owner: Ints,
        first: int,
        rules: Rules,
        thresholds: Mapping[int, float],
    ) -> list[Finding]:
        names, found = list(self._pairs.services), dict[str, list[Track]]()
        stretches = runs(over)
        for row, begin, end in zip(stretches.row, stretches.first, stretches.last, strict=True):
            worst = int(begin) + int(score[row, begin : end + 1].argmax())
            here = entries.where((owner == row) & (entries.minute == first + worst))
            start, severity = (first + int(begin)) * MINUTE, float(score[row, worst])
            track, carried = _carried(here, start, severity, int(end - begin) + 1)
            found.setdefault(names[row], []).append(track)
            self._carried.setdefault(names[row], []).append(carried)
        changed: list[Finding] = []
        for service in sorted({*found, *self._tracks}):
            changed += self._service(service, found.get(service, []), rules, thresholds)
        return changed

    def _service(
        self, service: str, found: list[Track], rules: Rules, thresholds: Mapping[int, float]
    ) -> list[Finding]:
        key = series_key(self._tenant, service, MODEL)
        upto = (self.done or 0) * MINUTE
        threshold = thresholds.get(key, AT_THRESHOLD)
        written, going = follow(self._tracks.pop(service, None), found, rules, threshold=threshold, upto=upto)
        told = [self._finding(key, service, track, going) for track in written]
        if going is not None:
            self._tracks[service] = going
            self._carried[service] = [each for each in self._carried[service] if each.start >= going.start]
        else:
            self._carried.pop(service, None)
        return told

    def _finding(self, key: int, service: str, track: Track, going: Track | None) -> Finding:
        within = [each for each in self._carried[service] if track.start <= each.start < track.end]
        worst = max(within, key=lambda each: each.severity)
        found = track.finding(self._tenant, key, worst.subject, MODEL, MINUTE)
        found = found.worded(*with_others(found.explanation, found.explanation_ko, worst.others))
        return found if going is not None and going.start == track.start else found.over()

    def save(self) -> bytes:
        """All of it but what waits for other sources; without pickle."""
        names = [*self._pairs.services]
        going = {
            service: [track.as_json(), [asdict(each) for each in self._carried[service]]]
            for service, track in self._tracks.items()
        }
        arrays: state.Arrays = {
            "past": self._past,
            "done": np.array(-1 if self.done is None else self.done),
            "meta": np.frombuffer(orjson.dumps([self._tenant, names, going]), dtype=np.uint8),
        }
        return state.pack(MODEL, arrays)

    @classmethod
    def load(cls, saved: bytes) -> Self:
        """The same again. Raises InvalidInput for anything else."""
        arrays = state.unpack(MODEL, saved)
        tenant, names, going = orjson.loads(arrays["meta"].tobytes())
        made = cls(tenant)
        made._pairs = Pairs(names)
        made._past, done = arrays["past"], int(arrays["done"])
        made.done = done if done >= 0 else None
        for service, (track, carried) in going.items():
            made._tracks[service] = Track(**track)
            made._carried[service] = [_restored(each) for each in carried]
        return made


def _restored(stored: dict[str, Any]) -> _Carried:
    labels = tuple((name, value) for name, value in stored["subject"].pop("labels"))
    subject = Subject(**stored["subject"], labels=labels)
    return _Carried(stored["start"], stored["severity"], subject, tuple(stored["others"]))


def _carried(here: Evidence, start: int, severity: float, cells: int) -> tuple[Track, _Carried]:
    """A stretch from the entries of its worst minute: the largest carried it."""
    order = np.argsort(-here.size)
    best = int(order[0])
    subject: Subject = here.subject[best]
    kind = Kind.LEVEL if cells >= LEVEL else Kind.POINT
    size = abs(float(here.departure[best]))
    numbers = (severity, kind.value, float(here.value[best]), float(here.expected[best]), size)
    track = Track(start, start + cells * MINUTE, cells, *numbers)
    others = tuple(dict.fromkeys(each.metric for each in here.subject[order[1:]]))
    return track, _Carried(start, severity, subject, others)
