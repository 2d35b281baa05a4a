"""The metrics of one service judged together: one score, one anomaly, and the metric that carried it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final, Self

import numpy as np

from airis_ray.aiops.detect import state, tails
from airis_ray.aiops.detect.mixed import MixedDetector
from airis_ray.aiops.detect.wording import with_others
from airis_ray.aiops.protocol import Anomaly, Kind, Scores
from airis_ray.aiops.series import Bools, Ints, SeriesBatch

SEPARATOR: Final = "/"
"""Between service and metric in the name of a series; without it a series is a service by itself."""
STATES: Final = 2
"""A metric with no more values than these is a flag or a command: it carries nothing where others are measured."""


class TogetherDetector:
    """Every metric by the default detector; a service is as unusual as its most unusual metric.

    Scores that are chances can be compared between metrics, so that the largest is the joint one; every row of a
    service has it. An anomaly's ``series`` and ``metric`` are those of the metric that carried it.
    """

    name = "together"

    def __init__(self, *, rate: float = tails.RATE, season: int | None = None, device: str = "cpu") -> None:
        """As of :class:`.mixed.MixedDetector`."""
        self.each = MixedDetector(rate=rate, season=season, device=device)
        self.measured: Bools = np.zeros(0, bool)
        self.group: Ints = np.zeros(0, np.int64)

    def fit(self, history: SeriesBatch) -> Self:
        """See :class:`~airis_ray.aiops.protocol.Detector`."""
        self.each.fit(history)
        self.group = _groups(history.names)
        many = _more_values(history)
        others = np.bincount(self.group, weights=many, minlength=len(many))[self.group] > 0
        self.measured = many | ~others
        return self

    def score(self, batch: SeriesBatch) -> Scores:
        """See :class:`~airis_ray.aiops.protocol.Detector`."""
        return self._joined(batch, self.each.score(batch))

    def update(self, newest: SeriesBatch) -> Scores:
        """See :class:`~airis_ray.aiops.protocol.Detector`."""
        return self._joined(newest, self.each.update(newest))

    def _joined(self, batch: SeriesBatch, scores: Scores) -> Scores:
        joint = np.zeros((len(batch), batch.width), np.float32)
        np.maximum.at(joint, self.group, np.where(self.measured[:, None], scores.score, 0.0))
        shared = np.where(batch.present, joint[self.group], np.float32(0.0))
        told = [one for one in scores.anomalies if self.measured[one.series] and not _begins_later(one)]
        return replace(scores, score=shared, anomalies=tuple(self._merged(told)))

    def _merged(self, told: Iterable[Anomaly]) -> list[Anomaly]:
        """Those of a service that overlap in time become one, with the most severe as its carrier."""
        found: list[list[Anomaly]] = []
        for anomaly in sorted(told, key=lambda one: (self.group[one.series], one.start)):
            last = found[-1] if found else []
            same = last and self.group[last[0].series] == self.group[anomaly.series]
            if same and anomaly.start <= max(one.end for one in last):
                last.append(anomaly)
            else:
                found.append([anomaly])
        return sorted((_carried(part) for part in found), key=lambda one: (one.series, one.first))

    def save(self) -> bytes:
        """See :class:`~airis_ray.aiops.protocol.Detector`."""
        each = np.frombuffer(self.each.save(), np.uint8)
        return state.pack(self.name, {"each": each, "measured": self.measured, "group": self.group})

    @classmethod
    def load(cls, saved: bytes) -> Self:
        """See :class:`~airis_ray.aiops.protocol.Detector`."""
        arrays = state.unpack(cls.name, saved)
        made = cls()
        made.each = MixedDetector.load(arrays["each"].tobytes())
        made.measured, made.group = arrays["measured"], arrays["group"]
        return made


def _groups(names: tuple[str, ...]) -> Ints:
    """[n]: the number of each series' service."""
    services = [name.partition(SEPARATOR)[0] if SEPARATOR in name else name for name in names]
    order = {service: number for number, service in enumerate(dict.fromkeys(services))}
    return np.array([order[service] for service in services], dtype=np.int64)


def _begins_later(anomaly: Anomaly) -> bool:
    """Metrics of a service share a grid: one that is younger than the others was not absent before."""
    return anomaly.kind is Kind.ABSENCE and anomaly.first == 0


def _more_values(history: SeriesBatch) -> Bools:
    """[n]: whether a series has more values than a flag."""
    ordered = np.sort(history.values, axis=1)
    with np.errstate(invalid="ignore"):
        steps = (np.diff(ordered, axis=1) > 0).sum(axis=1)
    found: Bools = steps + 1 > STATES
    return found


def _carried(part: list[Anomaly]) -> Anomaly:
    worst = max(part, key=lambda one: one.severity)
    metrics = list(dict.fromkeys(_metric(one.name) for one in sorted(part, key=lambda one: -one.severity)))
    first, last = min(one.first for one in part), max(one.last for one in part)
    start, end = min(one.start for one in part), max(one.end for one in part)
    sentence, korean = with_others(worst.sentence, worst.sentence_ko, metrics[1:])
    return replace(
        worst,
        first=first,
        last=last,
        start=start,
        end=end,
        metric=metrics[0],
        sentence=sentence,
        sentence_ko=korean,
    )


def _metric(name: str) -> str:
    return name.partition(SEPARATOR)[2] or name
