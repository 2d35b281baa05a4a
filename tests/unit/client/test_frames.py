"""Series as pictures: the unit is one that people read, gaps stay gaps."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import numpy as np
import pytest

from airis_ray.client.frames import SeriesFrame

mpl.use("Agg")


def answer(*values: float | None) -> dict[str, Any]:
    stamps = [f"2026-01-01T00:0{minute}:00.000000000Z" for minute in range(len(values))]
    return {"timestamps": stamps, "series": [{"labels": {}, "values": list(values)}], "step": "1m"}


@pytest.mark.parametrize(
    ("unit", "highest", "label", "drawn"),
    [
        ("ns", 2.5e9, "s", 2.5),
        ("ns", 80e6, "ms", 80),
        ("ns", 12.0, "ns", 12),
        ("By", 5e9, "By", 5e9),
        ("1", 0.5, "", 0.5),
    ],
)
def test_values_are_drawn_in_a_readable_unit(unit: str, highest: float, label: str, drawn: float) -> None:
    from matplotlib import pyplot

    axes = SeriesFrame(answer(0.0, None, highest), "p95 duration", unit).plot()
    [line] = axes.get_lines()
    values = np.asarray(line.get_ydata(), dtype=float)
    assert axes.get_ylabel() == label
    assert values[2] == pytest.approx(drawn)
    assert np.isnan(values[1])
    pyplot.close("all")


def test_series_without_any_value_are_drawn() -> None:
    from matplotlib import pyplot

    assert SeriesFrame(answer(None, None), "t", "ns").plot().get_ylabel() == "ns"
    pyplot.close("all")
