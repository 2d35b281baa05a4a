"""``GET /anomalies`` and verdicts: paged, in both forms, reversible, audited."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pyarrow as pa
import pytest
import pytest_asyncio

from airis_ray.aiops.app import create_app
from airis_ray.aiops.series import MINUTE, SECOND
from airis_ray.aiops.watch.findings import Finding, Subject, write
from airis_ray.aiops.watch.verdicts import threshold
from airis_ray.settings import Settings
from airis_ray.store import Query
from airis_ray.web.auth import Guard, Principal, Scope
from tests.support.local_store import LocalStore

NOW = 1_790_000_000 * SECOND


class Writers:
    """A key ring to which every key is a writer of the tenant of that name."""

    async def verify(self, key: str) -> Principal | None:
        scopes = {Scope.READ} if key.endswith("-reader") else {Scope.READ, Scope.WRITE}
        return Principal("key-1", key.removesuffix("-reader"), frozenset(scopes))


@pytest_asyncio.fixture(loop_scope="session")
async def http(migrated_store: LocalStore, tenant: str) -> AsyncIterator[httpx.AsyncClient]:
    later = iter(range(10**6))
    settings = Settings()
    app = create_app(settings, migrated_store, Guard(settings, Writers()), lambda: NOW + next(later) * 1000)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app, root_path="/api/aiops", raise_app_exceptions=False),
        base_url="http://airis/api/aiops",
        headers={"authorization": f"Bearer {tenant}"},
    ) as client:
        yield client


def finding(
    tenant: str, minute: int, *, series: int = 1, service: str = "cart", score: float = 0.7
) -> Finding:
    """A minute long, so many minutes before now; its value is missing."""
    start = NOW - minute * MINUTE
    subject = Subject(service, "metrics", "load", "1", (("pod", "a"),))
    told = ("load is gone", "load 값이 없습니다")
    values = (2.0, float("nan"))
    return Finding(
        tenant, series, subject, start, start + MINUTE, "absence", score, "absent", *values, *told, "m"
    )


async def test_a_list_in_pages_of_a_range_and_a_service(
    http: httpx.AsyncClient, migrated_store: LocalStore, tenant: str
) -> None:
    found = [finding(tenant, minute, service="ad" if minute == 3 else "cart") for minute in range(1, 7)]
    await write(migrated_store, found, NOW)
    await write(migrated_store, [found[0].over()], NOW + SECOND)
    first = await http.get("/anomalies", params={"limit": 4})
    assert first.status_code == 200, first.text
    second = await http.get(first.headers["link"].split(";")[0].strip("<>"))
    rows = first.json() + second.json()
    assert [row["id"] for row in rows] == [each.id for each in found]
    assert "link" not in second.headers
    assert [row["lasting"] for row in rows] == [False, *[True] * 5]
    assert rows[0]["start"].endswith("Z")
    assert rows[0]["actual"] is None
    assert rows[0]["expected"] == 2.0
    assert rows[0]["labels"] == {"pod": "a"}
    assert rows[0]["explanation_ko"] == "load 값이 없습니다"
    assert rows[0]["threshold"] == 0.5
    assert [row["service"] for row in (await http.get("/anomalies?service=ad")).json()] == ["ad"]
    # One that lasts into the range belongs to it.
    window = {"from": NOW - 4 * MINUTE + SECOND, "to": NOW - 2 * MINUTE}
    assert len((await http.get("/anomalies", params=window)).json()) == 2
    arrow = await http.get("/anomalies", headers={"accept": "application/vnd.apache.arrow.stream"})
    table = pa.ipc.open_stream(io.BytesIO(arrow.content)).read_all()
    assert table["id"].to_pylist() == [row["id"] for row in rows]


@pytest.mark.parametrize("query", ["from=soon", "from=now&to=now-1h", "limit=0", "cursor=zzz", "servce=x"])
async def test_what_is_wrong_with_a_request_is_said(http: httpx.AsyncClient, query: str) -> None:
    answer = await http.get(f"/anomalies?{query}")
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"]


async def test_a_verdict_moves_the_threshold_and_can_be_taken_back(
    http: httpx.AsyncClient, migrated_store: LocalStore, tenant: str
) -> None:
    one, other = finding(tenant, 5, score=0.8), finding(tenant, 2, series=2)
    await write(migrated_store, [one, other], NOW)
    path = f"/anomalies/{one.id}/verdict"
    said = await http.post(path, json={"verdict": "expected"})
    assert said.status_code == 200, said.text
    assert (said.json()["verdict"], said.json()["verdict_by"]) == ("expected", "key-1")
    by_id = {row["id"]: row for row in (await http.get("/anomalies")).json()}
    assert by_id[one.id]["threshold"] == pytest.approx(0.82)
    assert by_id[other.id]["threshold"] == 0.5
    taken = (await http.delete(path)).json()
    assert (taken["verdict"], taken["threshold"]) == (None, 0.5)
    rows = await migrated_store.query(Query("SELECT Action, Target FROM airis_audit", tenant=None))
    actions = [row["Action"] for row in rows.table.to_pylist() if row["Target"] == one.id]
    assert sorted(actions) == ["anomaly.verdict", "anomaly.verdict.delete"]


async def test_who_may_not_write_and_what_is_not_there(http: httpx.AsyncClient, tenant: str) -> None:
    path = f"/anomalies/{'0' * 32}/verdict"
    assert (await http.post(path, json={"verdict": "true"})).status_code == 404
    assert (await http.delete(path)).status_code == 404
    reader: dict[str, Any] = {"headers": {"authorization": f"Bearer {tenant}-reader"}}
    assert (await http.post(path, json={"verdict": "true"}, **reader)).status_code == 403
    assert (await http.post(path, json={"verdict": "maybe"})).status_code in (400, 422)
    assert (await http.post("/anomalies/x/verdict", json={"verdict": "true"})).status_code in (400, 422)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([], 0.5),
        ([("false", 0.7)], 0.72),
        ([("false", 0.7), ("expected", 0.9)], 0.92),
        ([("true", 0.9)], 0.5),
        ([("false", 0.8), ("true", 0.7)], 0.7),
        ([("false", 0.999)], 0.98),
    ],
)
def test_the_threshold_follows_from_the_verdicts_in_any_order(
    said: list[tuple[str, float]], expected: float
) -> None:
    assert threshold(said) == pytest.approx(expected)
    assert threshold(reversed(said)) == threshold(said)


async def test_an_anomaly_with_its_comparison(
    http: httpx.AsyncClient, migrated_store: LocalStore, tenant: str
) -> None:
    found = finding(tenant, 3)
    await write(migrated_store, [found], NOW)
    assert (await http.get(f"/anomalies/{found.id}")).json()["comparison"] is None
    assert (await http.get(f"/anomalies/{'0' * 32}")).status_code == 404
    for runs, answer, note in ((1, "", "it takes too long"), (2, '{"attributes": []}', "")):
        await migrated_store.command(
            "INSERT INTO airis_comparisons (Tenant, anomaly, start, upto, runs, request, answer, note, updated) SELECT"
            f" '{tenant}', '{found.id}', fromUnixTimestamp64Nano({found.start}), fromUnixTimestamp64Nano({found.end}),"
            f""" {runs}, '{{"signal": "traces"}}', '{answer}', '{note}', """
            f"fromUnixTimestamp64Nano({NOW + runs * SECOND})"
        )
        shown = (await http.get(f"/anomalies/{found.id}")).json()
        assert shown["id"] == found.id
        assert shown["comparison"]["runs"] == runs
        assert shown["comparison"]["request"] == {"signal": "traces"}
        assert shown["comparison"]["note"] == note
        assert shown["comparison"]["answer"] == ({"attributes": []} if answer else None)
