"""What passes as a request, whoever proposed it; and a model's proposals."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from airis_ray.errors import InvalidInput, Unavailable
from airis_ray.search.catalog import Catalog
from airis_ray.search.checking import check
from airis_ray.search.llm import ChatModel
from airis_ray.search.requests import Proposal
from airis_ray.settings import LlmSettings, Settings

NOW = datetime(2026, 11, 5, tzinfo=UTC)
NOW_NS = int(NOW.timestamp()) * 10**9


@pytest.mark.parametrize(
    "proposal",
    [
        Proposal(
            "POST",
            "/api/analytics/search",
            {"signal": "logs", "query": "service:a", "from": "now-1h", "to": "now"},
        ),
        Proposal("GET", "/api/analytics/services", {"from": "now-1h", "to": "now"}),
        Proposal("GET", "/api/analytics/traces/5b8efff798038103d269b633813fc60c"),
        Proposal("POST", "/api/analytics/sql", {"sql": "SELECT count() FROM otel_logs"}),
    ],
)
def test_a_reading_call_of_the_contract_passes(proposal: Proposal) -> None:
    check(proposal, NOW_NS)


@pytest.mark.parametrize(
    "proposal",
    [
        Proposal("DELETE", "/api/keys/abc"),
        Proposal("POST", "/api/keys", {"name": "mine", "scopes": ["admin"]}),
        Proposal("GET", "/api/keys"),
        Proposal("POST", "/v1/logs", {}),
        Proposal("POST", "/api/aiops/rules", {}),
        Proposal("GET", "/api/analytics/../keys"),
        Proposal("GET", "/api/analytics/fields/x/values?tenant=other"),
        Proposal("GET", "/api/analytics/services", {"tenant": "other"}),
        Proposal("POST", "/api/analytics/search", {"signal": "keys"}),
        Proposal("POST", "/api/analytics/search", {"query": "service:("}),
        Proposal("POST", "/api/analytics/search", {"query": 7}),
        Proposal("POST", "/api/analytics/search", {"from": "now", "to": "now-1h"}),
        Proposal("POST", "/api/analytics/sql", {"sql": "DROP TABLE otel_logs"}),
        Proposal("POST", "/api/analytics/sql", {"sql": "SELECT * FROM system.users"}),
        Proposal(
            "POST",
            "/api/delta/compare",
            {"signal": "logs", "target": {"query": "a:("}, "baseline": {"query": ""}},
        ),
    ],
)
def test_anything_else_is_refused(proposal: Proposal) -> None:
    with pytest.raises(InvalidInput):
        check(proposal, NOW_NS)


def model(answer: Any, *, status: int = 200) -> ChatModel:
    content = answer if isinstance(answer, str) else json.dumps(answer)
    body = {"choices": [{"message": {"content": content}}]}

    def respond(request: httpx.Request) -> httpx.Response:
        assert request.url == "http://model.example/v1/chat/completions"
        assert request.headers["authorization"] == "Bearer secret"
        assert json.loads(request.content)["messages"][1]["content"].endswith("question: 로그")
        return httpx.Response(status, json=body)

    settings = LlmSettings.model_validate({"url": "http://model.example/v1/", "api_key": "secret"})
    return ChatModel(settings, transport=httpx.MockTransport(respond))


async def test_a_model_proposes_a_request() -> None:
    said = {"method": "post", "endpoint": "/api/analytics/search", "body": {"signal": "logs"}}
    found = await model(f"```json\n{json.dumps(said)}\n```").propose("로그", NOW, Catalog({"cart"}))
    assert found == Proposal("POST", "/api/analytics/search", {"signal": "logs"})


async def test_a_model_may_have_no_answer() -> None:
    assert await model("null").propose("로그", NOW, Catalog()) is None


@pytest.mark.parametrize("answer", ["{not json}", {"endpoint": 7}, {"endpoint": "/x", "body": []}, "[1]{"])
async def test_what_is_no_request_is_refused(answer: Any) -> None:
    with pytest.raises(InvalidInput):
        await model(answer).propose("로그", NOW, Catalog())


async def test_a_model_that_is_down_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        await model({}, status=500).propose("로그", NOW, Catalog())


def test_its_address_is_a_setting_that_is_checked() -> None:
    assert Settings.from_env({}).llm.url is None
    assert (
        Settings.from_env({"AIRIS_LLM_URL": "http://127.0.0.1:8000/v1"}).llm.url == "http://127.0.0.1:8000/v1"
    )
    with pytest.raises(InvalidInput, match="AIRIS_LLM_URL"):
        Settings.from_env({"AIRIS_LLM_URL": "model:8000"})
