"""``POST /detect``: every point judged, anomalies with their sentence, each bad series named."""

from __future__ import annotations

from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pytest

from airis_ray.web.arrow import ARROW_STREAM
from tests.unit.aiops.http import ARROW, client, one, stream, times, wave


def spiked(at: int = 300, seed: int = 0) -> np.ndarray[Any, np.dtype[np.float64]]:
    values = wave(seed=seed)
    values[at] += 15.0
    return values


async def post(body: Any) -> httpx.Response:
    async with client() as http:
        return await http.post("/detect", json=body)


async def test_the_fields_of_the_contract() -> None:
    answer = (await post({"series": [one(spiked(), service="checkout")]})).json()
    (series,) = answer["series"]
    assert answer["errors"] == series["errors"] == []
    assert series["labels"] == {"service": "checkout"}
    for name in ("scores", "is_anomaly", "expected", "lower", "upper"):
        assert len(series[name]) == 400, name
    assert series["is_anomaly"][300] is True
    assert sum(series["is_anomaly"]) <= 8
    assert max(series["scores"]) == series["scores"][300] > series["threshold"]
    assert all(0 <= score <= 1 for score in series["scores"])
    assert series["season"] == "1h"
    assert series["model"]
    assert series["reason"]
    assert series["reason_ko"]
    near = [
        anomaly
        for anomaly in series["anomalies"]
        if anomaly["start"] <= "2023-11-15T03:14:00.000000000Z" <= anomaly["end"]
    ]
    assert len(near) == 1
    assert "checkout" in near[0]["sentence"]
    assert "checkout" in near[0]["sentence_ko"]
    assert near[0]["severity"] > 0.5
    inside = np.array(series["lower"]) <= np.array(spiked())
    inside &= np.array(spiked()) <= np.array(series["upper"])
    assert inside[60:].mean() > 0.9


async def test_sensitivity_moves_the_threshold() -> None:
    values = wave(1000)
    values[800] += 2.2
    found = [
        (await post({"series": [one(values)], "sensitivity": sensitivity})).json()["series"][0]
        for sensitivity in (0.0, 0.5, 1.0)
    ]
    counts = [sum(series["is_anomaly"]) for series in found]
    assert counts == sorted(counts)
    assert counts[0] < counts[2]
    assert found[0]["threshold"] > found[1]["threshold"] > found[2]["threshold"]
    assert found[0]["scores"] == found[2]["scores"]


async def test_the_season_may_be_said() -> None:
    seasons = {
        said: (await post({"series": [one(wave(800))], "season": said})).json()["series"][0]["season"]
        for said in ("auto", "none", "30m", "1h", "7d")
    }
    assert seasons == {"auto": "1h", "none": None, "30m": "30m", "1h": "1h", "7d": None}


@pytest.mark.parametrize(
    ("options", "pointer"),
    [
        ({"sensitivity": 2}, "/sensitivity"),
        ({"sensitivity": "high"}, "/sensitivity"),
        ({"season": "often"}, "/season"),
        ({"sensitive": 1}, "/sensitive"),
    ],
)
async def test_options_out_of_bounds(options: dict[str, Any], pointer: str) -> None:
    answer = await post({"series": [one()], **options})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer


async def test_a_bad_series_spoils_no_other() -> None:
    bad = {"timestamps": times(50)[::-1], "values": [1] * 50}
    alone = (await post({"series": [one(spiked(), host="a")]})).json()["series"][0]
    answer = await post(
        {"series": [bad, one(spiked(), host="a"), {"timestamps": times(2), "values": [1, 2]}]}
    )
    assert answer.status_code == 200
    first, second, third = answer.json()["series"]
    assert second == alone
    assert (first["scores"], first["anomalies"], first["model"]) == ([], [], "")
    assert first["errors"][0]["pointer"] == "/series/0/timestamps/1"
    assert third["errors"][0]["pointer"] == "/series/2"
    assert [error["series"] for error in answer.json()["errors"]] == [0, 2]


async def test_missing_points_get_no_score() -> None:
    body = one(spiked())
    body["values"][100] = None
    series = (await post({"series": [body]})).json()["series"][0]
    assert (series["scores"][100], series["is_anomaly"][100]) == (0.0, False)


async def test_arrow_keeps_the_rows_and_says_the_same() -> None:
    values = [spiked(seed=1), spiked(250, seed=2)]
    body = {"series": [one(each, host=name) for each, name in zip(values, "ab", strict=True)]}
    told = (await post(body)).json()["series"]
    long = pa.table(
        {
            "time": pa.array([t for t in times(400) for _ in "ab"], pa.timestamp("ns", "UTC")),
            "value": np.stack(values, axis=1).ravel(),
            "host": pa.array(["a", "b"] * 400).dictionary_encode(),
        }
    )
    async with client() as http:
        answer = await http.post(
            "/detect?sensitivity=0.5&season=auto",
            content=stream(long),
            headers={**ARROW, "accept": ARROW_STREAM},
        )
        compressed = await http.post("/detect", content=stream(long, compression="zstd"), headers=ARROW)
    assert answer.status_code == 200, answer.text
    assert compressed.status_code == 415
    found = pa.ipc.open_stream(answer.content).read_all()
    assert found["series"].to_pylist() == [0, 1] * 400
    assert found["value"].to_pylist() == long["value"].to_pylist()
    scores = np.array([series["scores"] for series in told]).T.ravel()
    assert np.abs(found["score"].to_numpy() - scores).max() < 1e-6
    assert (
        found["is_anomaly"].to_pylist()
        == np.array([series["is_anomaly"] for series in told]).T.ravel().tolist()
    )


async def test_a_number_that_is_none_is_named() -> None:
    async with client() as http:
        answer = await http.post(
            "/detect",
            content=b'{"series": [{"timestamps": [1], "values": [NaN]}]}',
            headers={"content-type": "application/json"},
        )
    assert answer.status_code == 400
    assert "null is a missing point" in answer.json()["detail"]
