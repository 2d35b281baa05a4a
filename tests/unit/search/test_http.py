"""``/ask`` and ``/similar-logs`` over HTTP: what is answered, executed and refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from tests.support.demo_store import NS, fill
from tests.support.local_store import LocalStore
from tests.unit.search.app import Applications

START = int(datetime(2026, 11, 3, 3, tzinfo=UTC).timestamp()) * NS
NOW = START + 1200 * NS
ASKED = datetime.fromtimestamp(NOW / NS, UTC).isoformat()


class Shop:
    """A tenant with twenty minutes of the shop's telemetry."""

    def __init__(self, store: LocalStore, tenant: str) -> None:
        self.tenant = tenant
        self.applications = Applications(store, lambda: NOW)

    async def ask(self, question: str, **more: Any) -> dict[str, Any]:
        body = {"question": question, "now": ASKED, "time_zone": "Asia/Seoul", **more}
        status, answer = await self.post("/api/search/ask", body)
        assert status == 200, answer
        return answer

    async def post(self, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        return await self.applications.send("POST", path, body, self.tenant)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shop(migrated_store: LocalStore) -> Shop:
    await fill(migrated_store, "search-http", [(START, NOW, True)], rate=2.0)
    return Shop(migrated_store, "search-http")


async def test_an_answer_holds_the_request_and_what_it_finds(shop: Shop) -> None:
    answer = await shop.ask("최근 15분 payment 에러 로그 보여줘")
    request = answer["request"]
    assert (request["method"], request["endpoint"]) == ("POST", "/api/analytics/search")
    assert request["body"]["query"] == "service:payment and level:(error or fatal)"
    assert answer["language"] == "ko"
    assert "로그" in answer["understood"]
    assert answer["unresolved"] == []
    assert answer["confidence"] > 0.9
    status, sent = await shop.post(request["endpoint"], request["body"])
    assert status == 200
    assert answer["result"]["rows"] == sent["rows"] != []


async def test_the_request_alone_where_no_result_is_asked_for(shop: Shop) -> None:
    answer = await shop.ask("p95 latency of checkout over the last 10 minutes", execute=False)
    assert answer["language"] == "en"
    assert answer["result"] is None
    assert answer["request"]["body"]["aggregate"] == "p95"
    assert answer["understood"].startswith("P95 (duration) of requests where service = checkout")


@pytest.mark.parametrize(
    ("question", "endpoint"),
    [
        ("서비스 현황 최근 20분", "/api/analytics/services"),
        ("which services call payment in the last 20 minutes", "/api/analytics/service-map"),
        ("what metrics do we have?", "/api/analytics/metrics"),
        ("결제수단에는 어떤 값들이 있어? 스팬 최근 20분", "/api/analytics/fields/app.payment.method/values"),
        ("number of spans and max duration per service as one table, last 20 minutes", "/api/analytics/sql"),
        ("payment 요청 수 나라별로 최근 20분", "/api/analytics/timeseries"),
        ("recommendation 메모리 사용량 최근 20분", "/api/analytics/timeseries"),
    ],
)
async def test_each_call_of_analytics_is_executed(shop: Shop, question: str, endpoint: str) -> None:
    answer = await shop.ask(question)
    assert answer["request"]["endpoint"] == endpoint
    assert answer["result_error"] is None
    assert answer["result"]


async def test_a_call_of_another_application_is_proposed_and_not_executed(shop: Shop) -> None:
    answer = await shop.ask("checkout 서비스 최근 20분 이상 징후 있었어?")
    assert answer["request"] == {
        "method": "GET",
        "endpoint": "/api/aiops/anomalies",
        "body": {
            "from": "2026-11-03T12:00:00+09:00",
            "to": "2026-11-03T12:20:00+09:00",
            "service": "checkout",
        },
    }
    assert answer["result"] is None
    assert "another application" in answer["result_error"]


async def test_a_forecast_holds_the_series(shop: Shop) -> None:
    answer = await shop.ask(
        "forecast frontend requests per minute for the next 10 minutes from the last 20 minutes",
        execute=False,
    )
    body = answer["request"]["body"]
    assert body["horizon"] == 10
    assert len(body["series"][0]["values"]) == len(body["series"][0]["timestamps"]) == 20


async def test_what_is_nobodys_is_told_and_answered_with_no_request(shop: Shop) -> None:
    answer = await shop.ask("inventory 서비스 p95 최근 10분")
    assert (answer["request"], answer["result"], answer["confidence"]) == (None, None, 0.0)
    assert answer["unresolved"] == ["inventory"]
    assert "inventory" in answer["understood"]


async def test_a_command_is_not_a_question(shop: Shop) -> None:
    for question in ("restart the checkout pods", "checkout 로그 전부 삭제해줘"):
        answer = await shop.ask(question)
        assert answer["request"] is None
        assert answer["unresolved"]


async def test_a_typo_is_corrected_told_and_less_sure(shop: Shop) -> None:
    answer = await shop.ask("paymnet error logs in the last 15 minutes", execute=False)
    assert answer["request"]["body"]["query"] == "service:payment and level:(error or fatal)"
    assert "paymnet → payment" in answer["understood"]
    assert answer["confidence"] < 0.9


async def test_alternatives_are_other_readings_that_can_be_sent(shop: Shop) -> None:
    answer = await shop.ask("최근 15분 payment 에러 로그", execute=False)
    assert answer["alternatives"]
    for other in answer["alternatives"]:
        assert other["understood"]
        status, _ = await shop.post(other["request"]["endpoint"], other["request"]["body"])
        assert status == 200


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"question": ""}, "/question"),
        ({"question": "x" * 1001}, "/question"),
        ({"question": "로그", "time_zone": "Mars/Olympus"}, "/time_zone"),
        ({"question": "로그", "now": "soon"}, "/now"),
        ({"question": "로그", "limit": 3}, "/limit"),
    ],
)
async def test_a_bad_field_is_named(shop: Shop, body: dict[str, Any], pointer: str) -> None:
    status, answer = await shop.post("/api/search/ask", body)
    assert status == 400
    assert [error["pointer"] for error in answer["errors"]] == [pointer]


@pytest.mark.parametrize(
    "question",
    [
        "?",
        "'",
        '"',
        "\\",
        "(((",
        ":",
        "a:b:c",
        "* or not",
        "' OR 1=1 --",
        "\ud55c" * 400,
        "1 2 3 4 5 6 7 8 9" * 20,
        "💥 로그",
        "\x00\x01",
        "최근 999999999시간 로그",
    ],
)
async def test_no_question_breaks_it(shop: Shop, question: str) -> None:
    status, answer = await shop.post("/api/search/ask", {"question": question, "now": ASKED})
    assert status in (200, 400), answer


async def test_another_tenants_names_are_not_known(shop: Shop, tenant: str) -> None:
    body = {"question": "payment 서비스 p95 최근 10분", "now": ASKED}
    status, answer = await shop.applications.send("POST", "/api/search/ask", body, tenant)
    assert status == 200
    assert answer["request"] is None
    assert answer["unresolved"] == ["payment"]


async def test_similar_logs_come_with_counts_and_a_query(shop: Shop) -> None:
    body = {"text": "결제 승인이 거절되었습니다", "from": "now-20m", "limit": 3}
    status, answer = await shop.post("/api/search/similar-logs", body)
    assert status == 200, answer
    best = answer["patterns"][0]
    assert "결제 승인이 거절되었습니다" in best["template"]
    assert best["count"] > 0
    assert best["services"]
    found, rows = await shop.post(
        "/api/analytics/search", {"signal": "logs", "query": best["query"], "from": "now-20m", "limit": 1000}
    )
    assert found == 200
    assert len(rows["rows"]) >= best["count"]


async def test_similar_logs_of_nothing_are_none(shop: Shop, tenant: str) -> None:
    status, answer = await shop.applications.send("POST", "/api/search/similar-logs", {"text": "x"}, tenant)
    assert (status, answer) == (200, {"patterns": [], "templates": 0, "sampled": False})
