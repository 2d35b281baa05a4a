"""Comparisons over the engine: what is counted is what the rows say, whichever way it is counted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest

from airis_ray.analytics.search import SearchRequest, search
from airis_ray.delta import compare, counting, sampling
from airis_ray.delta.asked import told_apart
from tests.support import records
from tests.support.local_store import LocalStore
from tests.unit.delta.conftest import NOW

_SECOND = 10**9


def spans(count: int, seed: int) -> Iterator[dict[str, Any]]:
    """Spans of a shop; those with an error are of version 2.4 mostly, slower, and lack the tier now and then."""
    rng = np.random.default_rng(seed)
    for at in range(count):
        failed = rng.random() < 0.3
        version = "2.4" if rng.random() < (0.7 if failed else 0.1) else "2.3"
        pod = f"cart-{version}-{rng.integers(2)}"
        attributes = {
            "http.route": f"/{rng.integers(5)}",
            "user.id": str(rng.integers(10**12)),
            "app.user.tier": "" if failed and rng.random() < 0.5 else f"t{rng.integers(3)}",
            "size": f"{rng.lognormal(3, 1):.3f}",
            "status": "odd" if rng.random() < 0.5 else "even",
        }
        yield {
            "Timestamp": records.START + at * _SECOND // 100,
            "SpanId": f"{seed:08x}{at:08x}",
            "TraceId": f"{at:032x}",
            "ServiceName": "cart",
            "SpanName": attributes["http.route"],
            "Duration": int(rng.lognormal(15, 1) * (3 if failed else 1)),
            "StatusCode": "Error" if failed else "Ok",
            "SpanAttributes": {key: value for key, value in attributes.items() if value},
            "ResourceAttributes": {"service.version": version, "k8s.pod.name": pod, "host.ip": f"10.0.{pod}"},
        }


def body(**changes: Any) -> dict[str, Any]:
    return {
        "signal": "traces",
        "target": {"query": "status:error"},
        "baseline": {"query": "-status:error"},
        "limit": 100,
    } | changes


async def asked(http: httpx.AsyncClient, **changes: Any) -> dict[str, Any]:
    answer = await http.post("/compare", json=body(**changes))
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def by_key(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["key"]: each for each in answer["attributes"] if each["kind"] != "pair"}


async def test_what_failed_spans_have_in_common(
    http: httpx.AsyncClient, migrated_store: LocalStore, tenant: str
) -> None:
    rows = list(spans(2_000, 1))
    await migrated_store.insert("otel_traces", records.span(tenant, *rows))
    answer = await asked(http)
    failed = [row for row in rows if row["StatusCode"] == "Error"]
    others = [row for row in rows if row["StatusCode"] != "Error"]
    assert (answer["target_count"], answer["baseline_count"]) == (len(failed), len(others))
    assert answer["sampled"] is False
    found = by_key(answer)
    assert answer["attributes"][0]["key"] in ("app.user.tier", "service.version")
    version = found["service.version"]
    assert version["significant"]
    assert version["values"][0]["value"] == "2.4"
    share = sum(row["ResourceAttributes"]["service.version"] == "2.4" for row in failed) / len(failed)
    assert version["values"][0]["target_share"] == pytest.approx(share)
    assert version["effect_interval"][0] < version["effect"] < version["effect_interval"][1]
    tier = found["app.user.tier"]
    assert tier["significant"]
    assert tier["values"][0]["value"] is None
    assert tier["values"][0]["baseline_share"] == 0
    assert tier["query"] == "-app.user.tier:*"
    assert found["Duration"]["kind"] == "numeric"
    assert found["Duration"]["significant"]
    assert found["Duration"]["quantiles"]["target"]["p50"] > found["Duration"]["quantiles"]["baseline"]["p50"]
    assert found["k8s.pod.name" if "k8s.pod.name" in found else "host.ip"]["same_as"]
    assert "http.route" in found["SpanName"]["same_as"]
    assert not found["SpanAttributes.status"]["significant"]
    assert "user.id" in {each["key"] for each in answer["left_out"]}


@pytest.mark.parametrize(
    ("module", "limit"),
    [(sampling, "SAMPLE_ROWS"), (sampling, "_SCATTERED"), (counting, "_DIFFERENT")],
    ids=["rows drawn one by one", "rows drawn by cells", "values coded one by one"],
)
async def test_all_rows_are_counted_as_the_sample_is(
    http: httpx.AsyncClient,
    migrated_store: LocalStore,
    tenant: str,
    monkeypatch: pytest.MonkeyPatch,
    module: Any,
    limit: str,
) -> None:
    """The counts of the pass over everything are those of the rows, for every attribute and pair."""
    await migrated_store.insert("otel_traces", records.span(tenant, *spans(3_000, 2)))
    whole = await asked(http)
    monkeypatch.setattr(module, limit, 1)
    monkeypatch.setattr(sampling, "SAMPLE_ROWS", 400)
    counted = by_key(await asked(http))
    assert set(counted) == set(by_key(whole))
    for key, each in by_key(whole).items():
        if each["kind"] == "categorical":
            shares = {
                value["value"]: (value["target_share"], value["baseline_share"]) for value in each["values"]
            }
            for value in counted[key]["values"]:
                assert (value["target_share"], value["baseline_share"]) == pytest.approx(
                    shares[value["value"]]
                )


async def test_every_query_finds_what_its_share_says(
    http: httpx.AsyncClient, migrated_store: LocalStore, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampling, "SAMPLE_ROWS", 500)
    await migrated_store.insert("otel_traces", records.span(tenant, *spans(2_000, 3)))
    answer = await asked(http)
    for each in answer["attributes"]:
        request = SearchRequest(
            signal="traces", query=f"status:error {each['query']}", limit=10_000, fields=("SpanId",)
        )
        page = await search(migrated_store, request, tenant, NOW)
        expected = each["values"][0]["target_share"] * answer["target_count"]
        assert page.table.num_rows == pytest.approx(expected), each["query"]


async def test_a_cause_of_two_attributes_comes_first(
    http: httpx.AsyncClient, migrated_store: LocalStore, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = list(spans(4_000, 4))
    for at, row in enumerate(rows):
        row["SpanAttributes"]["region"] = f"r{at % 4}"
        row["SpanAttributes"]["client"] = f"c{at // 4 % 4}"
        both = at % 4 == 1 and at // 4 % 4 == 2
        row["StatusMessage"] = "declined" if both or at % 50 == 0 else ""
    await migrated_store.insert("otel_traces", records.span(tenant, *rows))
    for size in (10_000, 1_000):
        monkeypatch.setattr(sampling, "SAMPLE_ROWS", size)
        answer = await asked(
            http, target={"query": "StatusMessage:declined"}, baseline={"query": "-StatusMessage:declined"}
        )
        pair = next(each for each in answer["attributes"] if each["key"] != "StatusMessage")
        assert pair["kind"] == "pair"
        assert sorted(pair["keys"]) == ["client", "region"]
        assert pair["values"][0]["baseline_share"] == 0


async def test_rows_of_both_groups_are_the_targets(
    http: httpx.AsyncClient, migrated_store: LocalStore, tenant: str
) -> None:
    await migrated_store.insert("otel_traces", records.span(tenant, *spans(600, 5)))
    answer = await asked(http, baseline={"query": ""})
    apart = await asked(http)
    assert answer["baseline_count"] == 600
    assert answer["notes"]
    assert [each["p_value"] for each in answer["attributes"]] == [
        each["p_value"] for each in apart["attributes"]
    ]
    same = await asked(http, baseline={"query": "status:error"})
    assert same["attributes"] == []
    assert same["notes"]


async def test_logs_and_sessions(http: httpx.AsyncClient, migrated_store: LocalStore, tenant: str) -> None:
    rows = [
        {
            "Timestamp": records.START + at,
            "Body": f"order {at}",
            "SeverityText": "ERROR" if at % 4 == 0 else "INFO",
            "ServiceName": "web",
            "LogAttributes": {"browser": "old" if at % 4 == 0 else f"b{at % 3}"},
        }
        for at in range(200)
    ]
    await migrated_store.insert("otel_logs", records.log(tenant, *rows))
    await migrated_store.insert("hyperdx_sessions", records.batch("hyperdx_sessions", tenant, rows))
    for signal in ("logs", "sessions"):
        answer = await asked(
            http, signal=signal, target={"query": "level:error"}, baseline={"query": "level:info"}
        )
        assert answer["target_count"] == 50
        found = next(each for each in answer["attributes"] if "browser" in (each["key"], *each["same_as"]))
        assert found["significant"]
        assert found["values"][0]["target_share"] == 1


async def test_nothing_to_compare(http: httpx.AsyncClient) -> None:
    answer = await asked(http)
    assert answer["attributes"] == []
    assert answer["target_count"] == 0
    assert answer["notes"]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"target": {"query": "a:("}}, "/target/query"),
        ({"baseline": {"from": "now", "to": "now-1h"}}, "/baseline/from"),
        ({"target": {"quer": ""}}, "/target/quer"),
        ({"limit": 0}, "/limit"),
    ],
)
async def test_errors_name_the_field(http: httpx.AsyncClient, change: dict[str, Any], pointer: str) -> None:
    answer = await http.post("/compare", json=body(**change))
    assert answer.status_code in (400, 422)
    assert pointer in [each["pointer"] for each in answer.json()["errors"]]


async def test_past_the_budget_only_a_part_is_read(migrated_store: LocalStore, tenant: str) -> None:
    """Slices of the range are read where all of it takes too long: the same ones each time."""
    from airis_ray.delta.models import CompareRequest
    from airis_ray.errors import TooLarge
    from airis_ray.store import Query, Result
    from airis_ray.store.keys import HOT_KEYS

    await migrated_store.insert("otel_traces", records.span(tenant, *spans(6_000, 6)))

    class Slow:
        """A store that takes too long for the first question."""

        def __init__(self) -> None:
            self.asked = 0

        async def query(self, query: Query) -> Result:
            self.asked += 1
            if self.asked == 1:
                raise TooLarge("the query took longer than it may")
            return await migrated_store.query(query)

    request = CompareRequest.model_validate(
        {
            "target": {"query": "status:error", "to": "now-59m"},
            "baseline": {"query": "-status:error", "to": "now-59m"},
        }
    )
    answers = [
        await compare.Comparer(Slow(), 10, lambda: 0.0).compare(request, tenant, NOW, HOT_KEYS)  # type: ignore[arg-type] # it only asks
        for _ in range(2)
    ]
    assert answers[0] == answers[1]
    assert answers[0].sampled
    assert 100 < answers[0].target_count + answers[0].baseline_count < 800


async def test_what_the_queries_say_is_no_difference(
    http: httpx.AsyncClient, migrated_store: LocalStore, tenant: str
) -> None:
    await migrated_store.insert("otel_traces", records.span(tenant, *spans(500, 7)))
    answer = await asked(http)
    assert "StatusCode" not in [found["key"] for found in answer["attributes"]]
    assert {"key": "StatusCode", "reason": "the queries tell the groups apart by it"} in answer["left_out"]


@pytest.mark.parametrize(
    ("target", "baseline", "found"),
    [
        ("service:cart status:error", "service:cart -status:error", {"StatusCode"}),
        ("service:cart", "-service:cart", {"ServiceName", "service.name"}),
        ("", "level:error", {"SeverityText", "SeverityNumber"}),
        ("user.id:1 or size:>2", "", {"user.id", "enduser.id", "size"}),
        ("timeout", "", {"Body"}),
        ("service:cart", "service:cart", set()),
    ],
)
def test_by_what_queries_tell_groups_apart(target: str, baseline: str, found: set[str]) -> None:
    assert told_apart(target, baseline, "logs" if {"Body", "SeverityText"} & found else "traces") == found
