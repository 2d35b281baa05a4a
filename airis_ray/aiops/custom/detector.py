"""A user's model as a detector: it says how unusual courses are, the platform what is expected and what is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final, Protocol, Self

import numpy as np
import numpy.typing as npt

from airis_ray.aiops.custom.windows import Cut, Standard, asked
from airis_ray.aiops.detect import state, stretches, tails
from airis_ray.aiops.detect.baseline import Baseline, Expectation
from airis_ray.aiops.detect.judging import assembled, check_rows, fitted
from airis_ray.aiops.protocol import Choice, Scores, Singles
from airis_ray.aiops.series import Bools, Floats, Ints, SeriesBatch

_SHORTEST_TAIL: Final = 1e-3
"""Of the logarithms of what a model says: of a series that repeats itself exactly it says always the same."""
_FEW: Final = 2
"""Windows of history below which a model has nothing to compare with."""


class Model(Protocol):
    """A user's model, whatever runs it."""

    @property
    def id(self) -> str:
        """``name@version``."""
        ...

    @property
    def width(self) -> int:
        """Cells of a window."""
        ...

    def score(self, windows: Singles) -> Floats:
        """[n] how unusual windows [n, width] of standardised series are: finite, larger is more.

        Raises Unprocessable, naming the model, where it fails or takes too long.
        """
        ...


class WindowDetector:
    """Courses judged by a model alone; by departures from level and season where a series has too few points for it.

    :func:`detector_of` makes one for each model: as with every detector, its class is what loads its state.
    """

    name: str = "custom"
    model: ClassVar[Model]

    def __init__(self, rate: float = tails.RATE, season: int | None = None) -> None:
        """``rate``: of usual points that may be called anomalies. ``season``: nanoseconds, 0: none, None: found."""
        self.rate, self.season = rate, season
        self.names: tuple[str, ...] = ()
        self.base: Baseline | None = None
        self.standard = Standard(np.zeros(0), np.zeros(0))
        self.hole: Ints = np.zeros(0, np.int64)
        self.tail: Floats = np.zeros((0, 2))
        self.judged: Bools = np.zeros(0, bool)
        self._own: tuple[SeriesBatch, Floats] | None = None

    def fit(self, history: SeriesBatch) -> Self:
        """See :class:`~airis_ray.aiops.protocol.Detector`."""
        self.names, self.hole = history.names, stretches.longest_hole(history, stretches.SPARED)
        self.base, self.standard = Baseline.of(history, self.season), Standard.of(history)
        enough = self._cut.counts(history.lengths) >= _FEW
        self.judged = enough & (self.standard.deviation > 0) & history.present.any(axis=1)
        unusual = self._asked(history.values, history.lengths)
        self.tail = tails.fit(unusual, history.present)
        self._own = (history, unusual)
        return self

    def score(self, batch: SeriesBatch) -> Scores:
        """See :class:`~airis_ray.aiops.protocol.Detector`."""
        base = fitted(self.base)
        check_rows(self.names, batch)
        within = bool((batch.starts < base.ends).any())
        found = base.expectation(batch, fresh=within)
        if self._own is not None and self._own[0] is batch:
            unusual = self._own[1]
        else:
            unusual = self._asked(batch.values, batch.lengths) if within else self._following(base, batch)
        return self._scores(batch, found, unusual, np.zeros(batch.values.shape, bool))

    def update(self, newest: SeriesBatch) -> Scores:
        """See :class:`~airis_ray.aiops.protocol.Detector`."""
        base = fitted(self.base)
        check_rows(self.names, newest)
        known = newest.times() < base.ends[:, None]
        found = base.expectation(newest)
        fresh = Expectation(found.expected, found.deviation, np.where(known, np.nan, found.departure))
        scores = self._scores(newest, fresh, self._following(base, newest), known)
        self.base, self._own = base.learn(newest, fresh), None
        return scores

    @property
    def _cut(self) -> Cut:
        return Cut(self.model.width)

    def _following(self, base: Baseline, batch: SeriesBatch) -> Floats:
        """Of a batch behind the history: its first windows begin in what is known from before."""
        width = self.model.width
        joined = np.concatenate([base.context(batch.starts)[:, -width:], batch.values], axis=1)
        return self._asked(joined, batch.lengths + width)[:, width:]

    def _asked(self, values: Floats, lengths: Ints) -> Floats:
        """[n, t]: how unusual each cell is, as logarithms of what the model says; NaN where it does not judge."""
        found = np.full(values.shape, np.nan)
        rows = np.flatnonzero(self.judged)
        if len(rows):
            ready = self.standard.of_values(values)[rows]
            said = asked(self.model.score, self._cut, ready, lengths[rows])
            # Errors of reconstruction spread over orders of magnitude; scores of either sign stay in order.
            found[rows] = np.sign(said) * np.log1p(np.abs(said))
        return found

    def _scores(self, batch: SeriesBatch, found: Expectation, unusual: Floats, known: Bools) -> Scores:
        base = fitted(self.base)
        courses = tails.unlikely(unusual, self.tail, _SHORTEST_TAIL)
        improbable = np.where(self.judged[:, None], courses, base.improbable(found.departure))
        score = tails.score(np.where(batch.present & ~known, improbable, np.nan))
        absent = stretches.absences(batch, self.hole) & ~known
        told = stretches.told(batch, score, found, absent, tails.threshold(self.rate))
        return assembled(batch, found, score, self._choices(), told, self.rate)

    def _choices(self) -> tuple[Choice, ...]:
        base, width = fitted(self.base), self.model.width
        seasons = base.season.cells * base.steps
        asked_it = (
            f"asked for by name: courses of {width} points are judged by this model alone",
            f"이름으로 지정한 모델이 {width}점 길이의 흐름을 판단합니다",
        )
        too_few = (
            f"all the same, or too few points for {self.model.id}: compared with the level alone",
            f"{self.model.id} 모델이 판단하기에는 점이 적거나 값이 모두 같아 수준과만 비교합니다",
        )
        return tuple(
            Choice(self.model.id if judged else "level", int(season), *(asked_it if judged else too_few))
            for judged, season in zip(self.judged, seasons, strict=True)
        )

    def save(self) -> bytes:
        """See :class:`~airis_ray.aiops.protocol.Detector`; the model itself is not in it."""
        own: state.Arrays = {
            "names": state.names(self.names),
            "hole": self.hole,
            "courses_tail": self.tail,
            "rate": np.array(self.rate),
            "judged": self.judged,
            "mean": self.standard.mean,
            "spread": self.standard.deviation,
        }
        return state.pack(self.name, own | fitted(self.base).arrays())

    @classmethod
    def load(cls, saved: bytes) -> Self:
        """See :class:`~airis_ray.aiops.protocol.Detector`."""
        arrays: Mapping[str, npt.NDArray[Any]] = state.unpack(cls.name, saved)
        made = cls(rate=float(arrays["rate"]))
        made.names, made.hole = state.read_names(arrays["names"]), arrays["hole"]
        made.tail, made.judged = arrays["courses_tail"], arrays["judged"]
        made.standard = Standard(arrays["mean"], arrays["spread"])
        made.base = Baseline.from_arrays(arrays)
        return made


def detector_of(model: Model) -> type[WindowDetector]:
    """The detector of one model."""
    return type("WindowDetector", (WindowDetector,), {"name": model.id, "model": model})
