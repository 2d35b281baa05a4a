"""Answers about series: what is unusual in them, and what comes next. They draw themselves."""

from __future__ import annotations

import base64
import html
import io
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from airis_ray.client.frames import Frame
from airis_ray.client.http import Http
from airis_ray.client.series import as_series, parts, with_labels
from airis_ray.errors import Unavailable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Language = Literal["en", "ko"]

META = b"airis.series"
SHOWN = 4
"""Series that a frame draws by itself: the most interesting ones."""
TOLD = 20
"""Anomalies that stand below the picture."""

_WORDS = {
    "en": ("start", "end", "kind", "severity", "what"),
    "ko": ("시작", "끝", "종류", "심각도", "설명"),
}


class SeriesAnswer(Frame):
    """A row a point. ``about`` says of each series: its labels, the model with its reason, errors and more."""

    def __init__(self, table: pa.Table, about: Sequence[dict[str, Any]], language: Language) -> None:
        super().__init__(table)
        self.about = list(about)
        self.language: Language = language

    @property
    def errors(self) -> list[dict[str, Any]]:
        """Series that were left out, each with its labels and the reason."""
        return [{"labels": each["labels"], **error} for each in self.about for error in each["errors"]]

    def shown(self, most: int) -> list[dict[str, Any]]:
        """Series that were answered, at most so many, the most interesting first."""
        return [each for each in self.about if not each["errors"]][:most]

    def plot(
        self, ax: Axes | np.ndarray[Any, Any] | None = None, *, series: int = SHOWN
    ) -> np.ndarray[Any, Any]:
        """Draw at most ``series`` series, one on each of ``ax``; new axes where none are given."""
        try:
            import matplotlib.pyplot as plt
        except ImportError:
            raise Unavailable("matplotlib is not installed: pip install 'airis-ray[notebooks]'") from None
        chosen = self.shown(series)
        if ax is None:
            count = max(len(chosen), 1)
            _, ax = plt.subplots(count, 1, figsize=(10, 3.0 * count), layout="constrained", squeeze=False)
        axes = np.ravel(np.array(ax, dtype=object))
        for each, about in zip(axes, chosen, strict=False):
            self._draw(each, about, told=True)
        return axes

    @abstractmethod
    def _draw(self, ax: Axes, about: dict[str, Any], *, told: bool) -> None:
        """Draw one series; ``told``: with what else there is to say below it."""

    def _below(self) -> str:
        """What stands below the picture, in HTML."""
        return ""

    def _repr_html_(self) -> str:
        try:
            from matplotlib.figure import Figure  # not pyplot: a notebook would show its figure a second time
        except ImportError:
            return super()._repr_html_()
        count = len(self.shown(SHOWN))
        if not count:
            return self._below() + super()._repr_html_()
        figure = Figure(figsize=(10, 3.0 * count), layout="constrained")
        axes = figure.subplots(count, 1, squeeze=False).ravel()
        for each, about in zip(axes, self.shown(SHOWN), strict=True):
            self._draw(each, about, told=False)
        image = io.BytesIO()
        figure.savefig(image, format="png", dpi=100)
        picture = base64.b64encode(image.getvalue()).decode()
        return (
            f'<img alt="series" src="data:image/png;base64,{picture}">{self._below()}{_errors(self.errors)}'
        )


class DetectFrame(SeriesAnswer):
    """time, labels, value, score (0..1), is_anomaly, expected, lower and upper of every point that was sent."""

    @property
    def anomalies(self) -> Frame:
        """A row an anomaly: labels, start, end, kind, severity, value, expected, its sentence in both languages."""
        rows = [{**each["labels"], **anomaly} for each in self.about for anomaly in each["anomalies"]]
        return Frame(pa.Table.from_pylist(sorted(rows, key=lambda row: -row["severity"])))

    def shown(self, most: int) -> list[dict[str, Any]]:
        """Those with the most severe anomalies first."""
        return sorted(super().shown(len(self.about)), key=_severity, reverse=True)[:most]

    def _draw(self, ax: Axes, about: dict[str, Any], *, told: bool) -> None:
        from airis_ray.client.drawing import draw_detected

        draw_detected(ax, points_of(self.arrow(), about), about, self.language, told=told)

    def _below(self) -> str:
        rows = self.anomalies.arrow().slice(0, TOLD).to_pylist()
        if not rows:
            return ""
        told = "sentence_ko" if self.language == "ko" else "sentence"
        cells = (
            (row["start"][:19], row["end"][:19], row["kind"], f"{row['severity']:.2f}", row[told])
            for row in rows
        )
        return _table(_WORDS[self.language], cells)


class ForecastFrame(SeriesAnswer):
    """time, labels, mean and the edges of each interval (lower_95, upper_95) of every step ahead."""

    def __init__(
        self, table: pa.Table, about: Sequence[dict[str, Any]], language: Language, history: pa.Table
    ) -> None:
        super().__init__(table, about, language)
        self.history = history

    @property
    def limits(self) -> Frame:
        """A row a series: labels, the limit asked for, when it is reached (at, earliest, latest), chance, reason."""
        rows = [{**each["labels"], **each["limit"]} for each in self.about if each["limit"]]
        return Frame(pa.Table.from_pylist(rows))

    def _draw(self, ax: Axes, about: dict[str, Any], *, told: bool) -> None:
        from airis_ray.client.drawing import draw_forecast

        past, ahead = points_of(self.history, about), points_of(self.arrow(), about)
        draw_forecast(ax, past, ahead, about, self.language, told=told)


def detect(
    http: Http, frame: object, columns: Mapping[str, Any], options: Mapping[str, Any], language: Language
) -> DetectFrame:
    """The judgement of every series of a frame; ``columns`` are those of :func:`.series.as_series`."""
    found, about, _ = _asked(http, "/api/aiops/detect", as_series(frame, **columns), options)
    return DetectFrame(found, about, language)


def forecast(
    http: Http, frame: object, columns: Mapping[str, Any], options: Mapping[str, Any], language: Language
) -> ForecastFrame:
    """What comes next in every series of a frame."""
    sent = as_series(frame, **columns)
    found, about, names = _asked(http, "/api/aiops/forecast", sent, options)
    history = pa.table(
        {name: sent[name].cast(pa.string()) for name in names}
        | {"time": sent["time"], "value": sent["value"]}
    )
    return ForecastFrame(found, about, language, history)


def points_of(table: pa.Table, about: Mapping[str, Any]) -> pa.Table:
    """The rows of one series."""
    chosen = pa.array([True]).take(pa.array([0] * table.num_rows, pa.int64()))
    for name in about["names"]:
        wanted = about["labels"].get(name)
        own = (
            pc.is_null(table[name]) if wanted is None else pc.fill_null(pc.equal(table[name], wanted), False)
        )
        chosen = pc.and_(chosen, own)
    return table.filter(chosen)


def _asked(
    http: Http, path: str, sent: pa.Table, options: Mapping[str, Any]
) -> tuple[pa.Table, list[dict[str, Any]], list[str]]:
    names = [name for name in sent.column_names if name not in ("time", "value")]
    found: list[pa.Table] = []
    about: list[dict[str, Any]] = []
    for part in parts(sent):
        answer = http.exchange(path, part, options)
        said = orjson.loads(answer.schema.metadata[META])
        found.append(with_labels(answer, [each["labels"] for each in said], names, sent["time"].type))
        about += [{"names": names, **each} for each in said]
    return pa.concat_tables(found), about, names


def _severity(about: Mapping[str, Any]) -> float:
    return max((float(anomaly["severity"]) for anomaly in about["anomalies"]), default=0.0)


def _table(head: Sequence[str], rows: Any) -> str:
    header = "".join(f"<th>{html.escape(name)}</th>" for name in head)
    cells = "".join(
        "<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{header}</tr></thead><tbody>{cells}</tbody></table>"


def _errors(errors: Sequence[Mapping[str, Any]]) -> str:
    return "".join(
        f"<p>{html.escape(error['name'])}: {html.escape(error['detail'])}</p>" for error in errors[:TOLD]
    )
