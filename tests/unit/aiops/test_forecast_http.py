"""``POST /forecast``: what comes in, what goes out, and what is refused."""

from __future__ import annotations

from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pytest

from airis_ray.web.arrow import ARROW_STREAM
from airis_ray.web.problems import PROBLEM_JSON
from tests.unit.aiops.http import ARROW, MINUTE, START, client, one, stream, times, wave

BAD: dict[str, tuple[Any, str, int | None]] = {
    "unsorted": ({"timestamps": times(50)[::-1], "values": [1] * 50}, "/series/1/timestamps/1", 1),
    "duplicate": ({"timestamps": [*times(9), times(9)[-1]], "values": [1] * 10}, "/series/1/timestamps/9", 9),
    "no time": ({"timestamps": [*times(9), "soon"], "values": [1] * 10}, "/series/1/timestamps/9", 9),
    "null time": ({"timestamps": [*times(9), None], "values": [1] * 10}, "/series/1/timestamps/9", 9),
    "true": ({"timestamps": times(4), "values": [1, True, 1, 1]}, "/series/1/values/1", 1),
    "text": ({"timestamps": times(4), "values": [1, 2, "3", 1]}, "/series/1/values/2", 2),
    "too few values": ({"timestamps": times(9), "values": [1] * 7}, "/series/1/values/7", 7),
    "too few times": ({"timestamps": times(7), "values": [1] * 9}, "/series/1/timestamps/7", 7),
    "short": ({"timestamps": times(3), "values": [1, 2, 3]}, "/series/1", None),
    "empty": ({"timestamps": [], "values": []}, "/series/1", None),
    "nothing known": ({"timestamps": times(9), "values": [None] * 9}, "/series/1", None),
    "missing": ({"values": [1]}, "/series/1/timestamps", None),
    "unknown field": ({"timestamps": [], "values": [], "label": {}}, "/series/1/label", None),
    "no object": (3, "/series/1", None),
    "late": ({"timestamps": [*times(8), 2**63 - 1], "values": [1] * 9}, "/series/1/timestamps/8", 8),
    "too large": ({"timestamps": times(5), "values": [1, 1e308, -1e308, 1, 1]}, "/series/1/values", None),
    "mostly holes": ({"timestamps": [*times(8), 2**62], "values": [1] * 9}, "/series/1", None),
}


async def post(body: Any, **parts: Any) -> httpx.Response:
    async with client(**parts) as http:
        return await http.post("/forecast", json=body)


async def test_the_fields_of_the_contract() -> None:
    answer = (await post({"series": [one(host="a")], "horizon": 30, "levels": [80, 95]})).json()
    (series,) = answer["series"]
    assert answer["errors"] == series["errors"] == []
    assert series["labels"] == {"host": "a"}
    assert len(series["timestamps"]) == len(series["mean"]) == 30
    assert series["timestamps"][0] == "2023-11-15T04:54:00.000000000Z"
    assert set(series["intervals"]) == {"80", "95"}
    assert series["model"]
    assert "hour" in series["reason"]
    narrow, wide = (
        np.array([series["intervals"][level][end] for end in ("lower", "upper")]) for level in ("80", "95")
    )
    assert (wide[0] <= narrow[0]).all()
    assert (narrow[1] <= wide[1]).all()
    truth = 20 + 5 * np.sin(np.arange(400, 430) / 60 * 2 * np.pi)
    assert np.abs(np.array(series["mean"]) - truth).mean() < 1.0


async def test_holidays_change_what_is_expected() -> None:
    monday = 1_754_233_200  # 4 August 2025, midnight in Seoul; the 15th and 3 October are holidays
    hours = np.arange(24 * 60)
    off = (hours // 24 % 7 == 6) | (hours // 24 == 11)
    values = np.where(off, 20.0, 100.0) + np.random.default_rng(1).normal(0, 1, len(hours))
    stamps = [(monday + hour * 3600) * 10**9 for hour in hours.tolist()]
    asked = {"series": [{"timestamps": stamps, "values": values.tolist()}], "horizon": 24}
    usual, holiday = [
        np.mean((await post(asked | more)).json()["series"][0]["mean"])
        for more in ({}, {"holidays": "KR", "time_zone": "Asia/Seoul"})
    ]
    assert usual > 80
    assert holiday < 40


async def test_levels_have_a_default_and_times_may_be_text() -> None:
    body = one()
    body["timestamps"] = [f"2026-11-23T0{i // 60}:{i % 60:02d}:00+09:00" for i in range(400)]
    (series,) = (await post({"series": [body], "horizon": 1})).json()["series"]
    assert set(series["intervals"]) == {"80", "95"}
    assert series["timestamps"] == ["2026-11-22T21:40:00.000000000Z"]


async def test_when_a_limit_is_reached() -> None:
    rising, flat = np.arange(400) * 0.1 + wave() * 0.01, wave()
    (first, second) = (await post({"series": [one(rising), one(flat)], "horizon": 1, "limit": 60.0})).json()[
        "series"
    ]
    assert first["limit"]["value"] == 60.0
    assert first["limit"]["earliest"] <= first["limit"]["at"] <= first["limit"]["latest"]
    assert "2023-11-15T08:1" in first["limit"]["at"]  # 600 minutes after the start of the series
    assert first["limit"]["chance"] > 0.95
    assert second["limit"]["chance"] < 0.5
    assert (await post({"series": [one()], "horizon": 1})).json()["series"][0]["limit"] is None


@pytest.mark.parametrize("name", BAD)
async def test_a_bad_series_is_named_and_the_others_are_answered(name: str) -> None:
    bad, pointer, position = BAD[name]
    answer = await post({"series": [one(), bad, one(host="b")], "horizon": 2})
    assert answer.status_code == 200, answer.text
    first, second, third = answer.json()["series"]
    assert len(first["mean"]) == len(third["mean"]) == 2
    assert (second["mean"], second["timestamps"], second["intervals"]) == ([], [], {})
    (error,) = second["errors"]
    assert (error["pointer"], error["series"], error["position"]) == (pointer, 1, position)
    assert answer.json()["errors"] == [error]
    if position is not None:
        assert f"position {position}" in error["detail"]


@pytest.mark.parametrize("name", BAD)
async def test_where_none_is_good_it_is_a_422(name: str) -> None:
    bad, pointer, _ = BAD[name]
    answer = await post({"series": [bad], "horizon": 2})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == PROBLEM_JSON
    assert answer.json()["errors"][0]["pointer"] == pointer.replace("/1", "/0", 1)
    assert "series 0" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("options", "pointer"),
    [
        ({"horizon": 0}, "/horizon"),
        ({"horizon": 10**9}, "/horizon"),
        ({"horizon": "many"}, "/horizon"),
        ({}, "/horizon"),
        ({"horizon": 1, "levels": [101]}, "/levels/0"),
        ({"horizon": 1, "levels": []}, "/levels"),
        ({"horizon": 1, "level": [80]}, "/level"),
        ({"horizon": 1, "holidays": "korea"}, "/holidays"),
        ({"horizon": 1, "holidays": "QQ"}, "/holidays"),
        ({"horizon": 1, "holidays": "KR", "time_zone": "Nowhere"}, "/holidays"),
        ({"horizon": 1, "series": []}, "/series"),
        ({"horizon": 1, "series": {}}, "/series"),
    ],
)
async def test_options_out_of_bounds(options: dict[str, Any], pointer: str) -> None:
    answer = await post({"series": [one()], **options})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer


async def test_too_much_is_a_413() -> None:
    many = [one(wave(5)) for _ in range(300)]
    assert (await post({"series": many, "horizon": 10_000})).status_code == 413
    async with client() as http:
        answer = await http.post(
            "/forecast", content=b" " * (16 * 2**20 + 1), headers={"content-type": "application/json"}
        )
    assert answer.status_code == 413


async def test_what_is_no_json_and_what_is_no_series() -> None:
    async with client() as http:
        for content, media, status in (
            (b"{", "application/json", 400),
            (b"{}", "text/plain", 415),
            (b"no", ARROW_STREAM, 400),
            (b"", ARROW_STREAM, 400),
            (b"3", "application/json", 422),
        ):
            answer = await http.post("/forecast", params={}, content=content, headers={"content-type": media})
            if media == ARROW_STREAM:
                answer = await http.post(
                    "/forecast?horizon=1", content=content, headers={"content-type": media}
                )
            assert answer.status_code == status, (content, answer.text)
        answer = await http.post("/forecast?horizon=2", json={"series": [one()], "horizon": 2})
        assert answer.status_code == 422


async def test_arrow_in_and_out_says_the_same() -> None:
    values = [wave(seed=1), wave(seed=2)]
    body = {"series": [one(each, host=name) for each, name in zip(values, "ab", strict=True)], "horizon": 3}
    told = (await post(body)).json()["series"]
    long = pa.table(
        {
            "time": pa.array([t for t in times(400) for _ in "ab"], pa.timestamp("ns", "UTC")),
            "value": np.stack(values, axis=1).ravel(),
            "host": ["a", "b"] * 400,
        }
    )
    lists = pa.table(
        {"timestamps": [times(400)] * 2, "values": [each.tolist() for each in values], "host": ["a", "b"]}
    )
    async with client() as http:
        for sent in (long, lists):
            answer = await http.post(
                "/forecast?horizon=3&levels=80&levels=95",
                content=stream(sent),
                headers={**ARROW, "accept": ARROW_STREAM},
            )
            assert answer.status_code == 200, answer.text
            found = pa.ipc.open_stream(answer.content).read_all()
            assert found.column_names == [
                "series",
                "time",
                "mean",
                "lower_80",
                "upper_80",
                "lower_95",
                "upper_95",
            ]
            assert found["series"].to_pylist() == [0, 0, 0, 1, 1, 1]
            assert found["mean"].to_pylist() == told[0]["mean"] + told[1]["mean"]
            assert found["lower_95"].to_pylist()[:3] == told[0]["intervals"]["95"]["lower"]
            assert found["time"].cast(pa.int64()).to_pylist()[:3] == [
                START + (400 + i) * MINUTE for i in range(3)
            ]
