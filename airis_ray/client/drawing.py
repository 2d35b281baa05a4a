"""Series drawn with what was expected of them, and with what comes next."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import matplotlib.dates as dates
import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TOLD: Final = 3
"""Anomalies of a series that are numbered and told below its axes."""
KOREAN: Final = ("Noto Sans CJK KR", "Noto Sans KR", "NanumGothic", "Malgun Gothic", "Apple SD Gothic Neo")
_PAD: Final = 12.0  # below the date that the axis itself writes
BACK: Final = 4
"""Horizons of history that are drawn before a forecast."""
_LINE, _BAND, _WRONG = "#1f4e79", "#9ec5e8", "#c62828"


def draw_detected(ax: Axes, points: pa.Table, about: Mapping[str, Any], language: str, *, told: bool) -> None:
    """The series, the band in which points are usual, and its anomalies; ``told``: with the sentences of the worst."""
    time = points["time"].to_numpy()
    value, low, high, expected = (_numbers(points, name) for name in ("value", "lower", "upper", "expected"))
    ax.fill_between(time, low, high, color=_BAND, alpha=0.45, linewidth=0, label="usual")
    ax.plot(time, expected, color=_BAND, linewidth=1.0)
    ax.plot(time, value, color=_LINE, linewidth=1.2, label="value")
    wrong = points["is_anomaly"].to_numpy()
    ax.plot(time[wrong], value[wrong], "o", color=_WRONG, markersize=3.5, label="anomaly")
    narrowest = np.ptp(dates.date2num(time)) / 200  # wide enough to be seen
    worst = sorted(about["anomalies"], key=lambda each: -each["severity"])
    for each in worst:
        first, last = _at(each["start"]), _at(each["end"])
        ax.axvspan(first, max(last, first + narrowest), color=_WRONG, alpha=0.15, linewidth=0)
    for number, each in enumerate(worst[:TOLD], start=1):
        at = (_at(each["start"]), 1.0)
        ax.annotate(str(number), at, xycoords=("data", "axes fraction"), color=_WRONG, fontsize=9, va="top")
    _frame(ax, about, time)
    _limits(ax, value, low, high)
    if told:
        _tell(ax, worst[:TOLD], language)


def draw_forecast(
    ax: Axes, history: pa.Table, ahead: pa.Table, about: Mapping[str, Any], language: str, *, told: bool
) -> None:
    """The newest history, the mean of what comes, and its intervals, the widest palest; ``told``: with the reason."""
    past = history.slice(max(history.num_rows - max(BACK * ahead.num_rows, 100), 0))
    time, mean = ahead["time"].to_numpy(), _numbers(ahead, "mean")
    levels = sorted(
        (float(name[6:]) for name in ahead.column_names if name.startswith("lower_")), reverse=True
    )
    for depth, level in enumerate(levels):
        low, high = (_numbers(ahead, f"{side}_{level:g}") for side in ("lower", "upper"))
        ax.fill_between(
            time, low, high, color=_BAND, alpha=0.35 + 0.3 * min(depth, 2), linewidth=0, label=f"{level:g} %"
        )
    ax.plot(past["time"].to_numpy(), _numbers(past, "value"), color=_LINE, linewidth=1.2, label="value")
    ax.plot(time, mean, color=_WRONG, linewidth=1.4, label="forecast")
    _frame(ax, about, np.concatenate([past["time"].to_numpy(), time]))
    if told:
        key, family = _in(language, "reason")
        lines = "\n".join(textwrap.wrap(about[key], 150))
        ax.set_xlabel(lines, loc="left", fontsize=8, family=family, labelpad=_PAD)


def _tell(ax: Axes, worst: Sequence[Mapping[str, Any]], language: str) -> None:
    key, family = _in(language, "sentence")
    lines = [
        line
        for number, each in enumerate(worst, start=1)
        for line in textwrap.wrap(f"{number}  {each[key]}", 150, subsequent_indent="    ")
    ]
    ax.set_xlabel("\n".join(lines), loc="left", fontsize=8, color=_WRONG, family=family, labelpad=_PAD)


def _in(language: str, key: str) -> tuple[str, list[str] | None]:
    """Where a sentence stands in a language, and the font for it; without one Korean would be a row of boxes."""
    family = _korean() if language == "ko" else None
    return (f"{key}_ko" if family else key), family


def _korean() -> list[str] | None:
    """A font with Korean letters, where this machine has one."""
    from matplotlib.font_manager import fontManager

    known = fontManager.get_font_names()
    return next(([name, "DejaVu Sans"] for name in KOREAN if name in known), None)


def _frame(ax: Axes, about: Mapping[str, Any], time: Any) -> None:
    labels = ", ".join(f"{name}={value}" for name, value in about["labels"].items())
    season = f", repeats every {about['season']}" if about.get("season") else ""
    family = None if labels.isascii() else _korean()
    title = f"{labels or 'series'}   (model {about['model']}{season})"
    ax.set_title(title, loc="left", fontsize=10, family=family)
    locator = dates.AutoDateLocator()
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))
    if len(time):
        ax.set_xlim(time.min(), time.max())
    ax.grid(visible=True, alpha=0.25)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(fontsize=8, frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))


def _limits(ax: Axes, value: Any, low: Any, high: Any) -> None:
    """So that a band that is wide somewhere does not flatten the series."""
    known = value[np.isfinite(value)]
    if not len(known):
        return
    least, most = known.min(), known.max()
    reach = max(most - least, 1e-9)
    bottom = max(np.nanmin(low, initial=least), least - reach / 2)
    top = min(np.nanmax(high, initial=most), most + reach / 2)
    ax.set_ylim(min(bottom, least) - 0.05 * reach, max(top, most) + 0.1 * reach)


def _numbers(table: pa.Table, name: str) -> Any:
    return table[name].cast(pa.float64(), safe=False).to_numpy()


def _at(stamp: str) -> float:
    """A place on the time axis."""
    return float(dates.date2num(np.datetime64(stamp.rstrip("Z"), "ns")))
