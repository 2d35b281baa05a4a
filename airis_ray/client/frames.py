"""Answers as frames: Arrow inside, polars, pandas and Ray Data on request, drawn where a picture says more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from airis_ray.errors import Unavailable

if TYPE_CHECKING:
    import pandas
    import polars
    import ray.data
    from matplotlib.axes import Axes

_TIME_UNITS: Final = ((1e9, "s"), (1e6, "ms"), (1e3, "µs"))


class Frame:
    """Rows of one answer. ``arrow`` is the table itself; the other forms are made from it when asked for."""

    def __init__(self, table: pa.Table, dataset: Callable[[], Any] | None = None) -> None:
        self._table = table
        self._dataset = dataset

    @property
    def columns(self) -> list[str]:
        return list(self._table.column_names)

    def __len__(self) -> int:
        return int(self._table.num_rows)

    def arrow(self) -> pa.Table:
        """The rows as an Arrow table (no copy)."""
        return self._table

    def polars(self) -> polars.DataFrame:
        """The rows as a polars frame (no copy where polars has the type); needs the extra ``notebooks``."""
        try:
            import polars as pl
        except ImportError:
            raise Unavailable("polars is not installed: pip install 'airis-ray[notebooks]'") from None
        frame = pl.from_arrow(self._table)
        assert isinstance(frame, pl.DataFrame)
        return frame

    def pandas(self) -> pandas.DataFrame:
        """The rows as a pandas frame with Arrow-backed columns (no copy); needs the extra ``notebooks``."""
        try:
            import pandas as pd
        except ImportError:
            raise Unavailable("pandas is not installed: pip install 'airis-ray[notebooks]'") from None
        return self._table.to_pandas(types_mapper=pd.ArrowDtype)

    def ray(self) -> ray.data.Dataset:
        """The question as a Ray Data dataset: every matching row, read in parallel by time range and streamed.

        A frame that has no such question behind it becomes a dataset of its own rows.
        """
        if self._dataset is not None:
            return self._dataset()
        import ray.data

        return ray.data.from_arrow(self._table)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} rows: {', '.join(self.columns)})"

    def _repr_html_(self) -> str:
        head = self._table.slice(0, 20).to_pylist()
        header = "".join(f"<th>{_escape(name)}</th>" for name in self.columns)
        rows = "".join(
            f"<tr>{''.join(f'<td>{_escape(value)}</td>' for value in row.values())}</tr>" for row in head
        )
        note = f"<p>{len(self)} rows, the first {len(head)} shown</p>" if len(self) > len(head) else ""
        return f"<table><thead><tr>{header}</tr></thead><tbody>{rows}</tbody></table>{note}"


class SeriesFrame(Frame):
    """Series on one time axis, as ``POST /timeseries`` answers them; the table is long: time, labels, value."""

    def __init__(self, answer: dict[str, Any], title: str, unit: str = "") -> None:
        self.timestamps = np.array(
            [stamp.rstrip("Z") for stamp in answer["timestamps"]], dtype="datetime64[ns]"
        )
        self.series: list[dict[str, Any]] = answer["series"]
        self.step: str = str(answer["step"])
        self.title = title
        self.unit = unit
        super().__init__(self._long())

    def _long(self) -> pa.Table:
        names = sorted({name for series in self.series for name in series["labels"]})
        points = len(self.timestamps)
        columns: dict[str, Any] = {"time": np.tile(self.timestamps, len(self.series))}
        for name in names:
            columns[name] = [series["labels"].get(name) for series in self.series for _ in range(points)]
        columns["value"] = pa.array(
            [value for series in self.series for value in series["values"]], type=pa.float64()
        )
        return pa.table(columns)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the series on matplotlib axes (new ones where none are given); gaps stay gaps."""
        try:
            import matplotlib.dates as dates
            import matplotlib.pyplot as plt
        except ImportError:
            raise Unavailable("matplotlib is not installed: pip install 'airis-ray[notebooks]'") from None
        if ax is None:
            _, ax = plt.subplots(figsize=(10, 3.5), layout="constrained")
        lines = [
            np.array([np.nan if value is None else value for value in series["values"]], dtype=float)
            for series in self.series
        ]
        factor, unit = _shown_unit(self.unit, lines)
        for series, values in zip(self.series, lines, strict=True):
            ax.plot(self.timestamps, values / factor, linewidth=1.4, label=_label(series["labels"]))
        locator = dates.AutoDateLocator()
        ax.xaxis.set_major_locator(locator)
        ax.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))
        ax.set_title(self.title, loc="left", fontsize=10)
        ax.set_ylabel(unit)
        ax.set_ylim(bottom=min(0.0, ax.get_ylim()[0]))
        ax.grid(visible=True, alpha=0.25)
        ax.spines[["top", "right"]].set_visible(False)
        if any(series["labels"] for series in self.series):
            ax.legend(fontsize=8, frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
        return ax


def _shown_unit(unit: str, lines: Sequence[NDArray[np.float64]]) -> tuple[float, str]:
    """What to divide values by, and the unit they then have: nanoseconds become what a person reads."""
    if unit != "ns":
        return 1.0, "" if unit == "1" else unit
    highest = max((float(np.nanmax(values)) for values in lines if not np.isnan(values).all()), default=0.0)
    return next(((size, name) for size, name in _TIME_UNITS if highest >= size), (1.0, "ns"))


def _label(labels: dict[str, str]) -> str:
    return ", ".join(str(value) for value in labels.values()) or "all"


def _escape(value: object) -> str:
    text = str(value)
    text = text if len(text) <= 200 else f"{text[:200]}…"
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
