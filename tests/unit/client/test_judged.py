"""`air.detect` and `air.forecast` over the application itself, without a server."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from airis_ray.aiops.app import create_app
from airis_ray.client import Connection
from airis_ray.client import series as series_of
from airis_ray.client.http import Http
from airis_ray.errors import InvalidInput, Unprocessable
from airis_ray.gateway.openapi import NoStore
from airis_ray.settings import Settings
from airis_ray.web.auth import Guard
from tests.unit.aiops.http import START, Readers, times, wave

mpl.use("Agg")


@pytest.fixture
def air() -> Connection:
    http = Http("http://airis", "reader", 30.0)
    http.close()
    root = FastAPI()
    root.mount("/api/aiops", create_app(Settings(), NoStore(), Guard(Settings(), Readers())))
    http._client = TestClient(  # type: ignore[assignment] # a client of the same interface
        root, base_url="http://airis", headers={"authorization": "Bearer reader"}
    )
    return Connection(http)


@pytest.fixture(scope="module")
def table() -> pa.Table:
    """Two series of a service; the one named b has a spike."""
    values = np.stack([wave(seed=1), wave(seed=2)], axis=1)
    values[350, 1] += 20
    return pa.table(
        {
            "time": pa.array([t for t in times(400) for _ in "ab"], pa.timestamp("ns", "UTC")),
            "host": ["a", "b"] * 400,
            "value": values.ravel(),
        }
    )


def test_every_point_is_judged_and_keeps_its_labels(air: Connection, table: pa.Table) -> None:
    found = air.detect(table)
    assert found.columns == ["time", "host", "value", "score", "is_anomaly", "expected", "lower", "upper"]
    assert len(found) == 800
    assert [about["labels"] for about in found.about] == [{"host": "a"}, {"host": "b"}]
    (worst, *_) = found.anomalies.arrow().to_pylist()
    assert worst["host"] == "b"
    assert worst["start"] == "2023-11-15T04:04:00.000000000Z"
    assert "host=b" in worst["sentence"]
    assert found.errors == []


@pytest.mark.parametrize("form", ["pandas", "polars", "answer"])
def test_frames_of_every_kind_say_the_same(air: Connection, table: pa.Table, form: str) -> None:
    frame = {
        "pandas": pd.DataFrame(table.to_pandas()),
        "polars": pl.from_arrow(table),
        "answer": air.detect(table),
    }[form]
    assert air.detect(frame, value="value", by=["host"]).arrow().equals(air.detect(table).arrow())


def test_a_forecast_goes_on_where_the_series_ends(air: Connection, table: pa.Table) -> None:
    found = air.forecast(table, 12, levels=[90])
    assert found.columns == ["time", "host", "mean", "lower_90", "upper_90"]
    assert found.arrow()["host"].to_pylist() == ["a"] * 12 + ["b"] * 12
    assert found.arrow()["time"][0].value == START + 400 * 60 * 10**9


def test_they_draw_themselves(air: Connection, table: pa.Table) -> None:
    judged = air.detect(table, language="ko")
    shown = judged._repr_html_()
    assert "data:image/png;base64," in shown
    assert judged.anomalies.arrow()["sentence_ko"][0].as_py() in shown
    axes = judged.plot()
    assert [axis.get_title(loc="left")[:6] for axis in axes] == ["host=b", "host=a"]
    assert len(air.forecast(table, 12).plot(series=1)) == 1
    assert "data:image/png;base64," in air.forecast(table, 12)._repr_html_()


def test_a_bad_series_is_told_and_the_others_are_there(air: Connection, table: pa.Table) -> None:
    short = pa.table({"time": table["time"][:2], "host": ["<c>", "<c>"], "value": [1.0, 2.0]})
    found = air.detect(pa.concat_tables([table, short.cast(table.schema)]))
    assert [error["labels"] for error in found.errors] == [{"host": "<c>"}]
    assert "host=&lt;c&gt;: has 2 points" in found._repr_html_()
    with pytest.raises(Unprocessable, match="host=<c>"):
        air.detect(short)


def test_what_is_no_series_is_said_before_it_is_sent(air: Connection, table: pa.Table) -> None:
    for frame, options, said in (
        (3, {}, "expected a frame"),
        (table, {"value": "cost"}, "no column cost"),
        (table.drop_columns(["time"]), {}, "no column of timestamps"),
        (table, {"value": "host"}, "expected numbers"),
    ):
        with pytest.raises(InvalidInput, match=said):
            air.detect(frame, **options)  # type: ignore[arg-type] # that is what is tested


def test_large_tables_go_in_pieces_that_cut_no_series(
    monkeypatch: pytest.MonkeyPatch, air: Connection, table: pa.Table
) -> None:
    whole = air.detect(table)
    monkeypatch.setattr(series_of, "ROWS", 500)
    assert [part.num_rows for part in series_of.parts(series_of.as_series(table, None, None, None))] == [
        400,
        400,
    ]
    cut = air.detect(table)
    assert cut.arrow().equals(whole.arrow())
    assert len(cut.about) == 2


@pytest.mark.parametrize(
    "kind", [pa.timestamp("ns"), pa.timestamp("us", "Asia/Seoul"), pa.timestamp("s", "UTC")]
)
def test_times_come_back_as_they_were(air: Connection, table: pa.Table, kind: pa.DataType) -> None:
    times_of = table["time"].cast(pa.int64()).cast(pa.timestamp("ns", kind.tz)).cast(kind)
    found = air.detect(table.set_column(0, "time", times_of)).arrow()
    assert found["time"].type == kind
    assert set(found["time"].to_pylist()) == set(times_of.to_pylist())
    assert air.forecast(table.set_column(0, "time", times_of), 2).arrow()["time"].type == kind
