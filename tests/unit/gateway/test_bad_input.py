"""What bad input gets: every field of every call with values it cannot take; each refusal names field and value.

The applications have no store here: what passes the checks of its form is answered 503.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from airis_ray.gateway.applications import APPLICATIONS
from airis_ray.gateway.openapi import NoStore
from airis_ray.settings import LimitSettings, Settings
from airis_ray.web.auth import ALL_SCOPES, Guard, Principal
from tests.unit.gateway.documented import DOCUMENT, body_of

WRONG: tuple[Any, ...] = (
    None,
    True,
    -1,
    10**30,
    1.5,
    "\x00nonsense ::",
    "\ud800",
    "",
    [],
    [None],
    {},
    {"nonsense": 1},
)
"""Values that hardly any field takes."""
REFUSALS = (400, 404, 409, 413, 415, 422)
NOT_JSON = {"/api/aiops/models/{name}"}
"""Calls whose body is no JSON of a model: their own tests send them bad ones."""


class AnyKey:
    """A key ring to which every key is an administrator's."""

    async def verify(self, key: str) -> Principal | None:
        return Principal("k", "default", ALL_SCOPES)


@dataclass(frozen=True)
class Attempt:
    """A request with one thing wrong, which an error has to name."""

    method: str
    path: str
    name: str
    sent: Any
    params: dict[str, str] | None = None
    json: Any = None
    content: bytes | None = None


class Applications:
    """All of them, without a store."""

    def __init__(self, data_dir: Path) -> None:
        self.settings = Settings(data_dir=data_dir, limits=LimitSettings(requests_per_minute=10**9))
        self.guard = Guard(self.settings, AnyKey())
        self.apps: dict[str, FastAPI] = {
            each.prefix: each.build(self.settings, NoStore(), self.guard) for each in APPLICATIONS
        }

    async def send(self, attempt: Attempt) -> httpx.Response:
        path = re.sub(r"\{[^}]*\}", "x", attempt.path)
        prefix = max((prefix for prefix in self.apps if path.startswith(prefix)), key=len)
        transport = httpx.ASGITransport(self.apps[prefix], root_path=prefix, raise_app_exceptions=False)
        content = attempt.content
        if content is None and attempt.json is not None:
            content = json.dumps(attempt.json).encode()
        headers = {"authorization": "Bearer k", **({"content-type": "application/json"} if content else {})}
        async with httpx.AsyncClient(transport=transport, base_url="http://airis") as client:
            return await client.request(
                attempt.method, path, params=attempt.params, content=content, headers=headers
            )


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in DOCUMENT["paths"].items():
        for method in ("get", "post", "put", "patch", "delete"):
            if method in item and path.startswith("/api/") and path not in NOT_JSON:
                yield method.upper(), path, item[method]


def attempts(method: str, path: str, operation: dict[str, Any]) -> Iterator[Attempt]:
    for parameter in operation.get("parameters", ()):
        name, kind = parameter["name"], parameter["schema"].get("type")
        if parameter["in"] == "query" and kind in ("integer", "number", "boolean"):
            for sent in ("nonsense", "", "1e400"):
                yield Attempt(method, path, name, sent, {name: sent})
        if parameter["in"] == "query" and name in ("from", "to"):
            for sent in ("yesterdayish", "-5", "2026-13-40"):
                yield Attempt(method, path, name, sent, {name: sent})
    yield Attempt(method, path, "fromm", "x", {"fromm": "x"})
    if (body := body_of(operation)) is None or "properties" not in body:
        return
    for sent in (b"", b"{", b"[]", b"null", b'"text"', b"\xff\xfe"):
        yield Attempt(method, path, "", sent, content=sent)
    yield Attempt(method, path, "nonsense", 1, json={"nonsense": 1})
    for name in body["properties"]:
        for sent in WRONG:
            yield Attempt(method, path, name, sent, json={name: sent})


CALLS = {f"{method} {path}": (method, path, operation) for method, path, operation in operations()}


@pytest.fixture(scope="module")
def applications(tmp_path_factory: pytest.TempPathFactory) -> Applications:
    return Applications(tmp_path_factory.mktemp("bad"))


def complaint(attempt: Attempt, answer: httpx.Response) -> str | None:
    """What is wrong with an answer; None where it is as it should be."""
    if answer.status_code < 400 or answer.status_code in (401, 503):
        return None
    if answer.status_code not in REFUSALS:
        return "status"
    problem = answer.json()
    if not {"type", "title", "status", "detail", "instance"} <= problem.keys():
        return "no problem+json"
    if answer.status_code == 404 and "{" in attempt.path:
        return None
    told = [f"{error['pointer']} {error['detail']}" for error in problem.get("errors", ())]
    if attempt.name and not any(attempt.name in each for each in told):
        if "not JSON" in problem["detail"]:
            return None
        required = any("is required" in each for each in told)  # it is said first where others are missing
        return None if required else "does not name the field"
    says = " ".join([problem["detail"], *told])
    if not re.search(r"expected|required|unknown|not JSON|belongs to|cannot read|position", says):
        return "does not say what was expected"
    return None


@pytest.mark.parametrize("call", CALLS)
async def test_a_refusal_names_the_field_and_what_was_expected(applications: Applications, call: str) -> None:
    wrong = []
    for attempt in attempts(*CALLS[call]):
        answer = await applications.send(attempt)
        if (why := complaint(attempt, answer)) is not None:
            wrong.append(f"{why}: {attempt.name}={attempt.sent!r}: {answer.status_code} {answer.text[:300]}")
    assert not wrong, "\n".join(wrong[:40])
