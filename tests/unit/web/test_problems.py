"""What errors become."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from google.protobuf import json_format
from google.rpc import code_pb2, error_details_pb2
from google.rpc.status_pb2 import Status

from airis_ray import errors
from airis_ray.errors import AirisError, FieldError, InvalidInput, Overloaded, Unavailable
from airis_ray.settings import Settings
from airis_ray.web.problems import PROBLEM_JSON, PROTOBUF, grpc_status, kind_of, otlp_error, rpc_status
from tests.unit.web.conftest import client_of, demo_app, guard_of

EXPECTED = {
    errors.AirisError: (500, code_pb2.INTERNAL),
    errors.InvalidInput: (400, code_pb2.INVALID_ARGUMENT),
    errors.TooLarge: (413, code_pb2.INVALID_ARGUMENT),
    errors.Unprocessable: (422, code_pb2.INVALID_ARGUMENT),
    errors.NotFound: (404, code_pb2.NOT_FOUND),
    errors.Unsupported: (415, code_pb2.INVALID_ARGUMENT),
    errors.TooSlow: (408, code_pb2.DEADLINE_EXCEEDED),
    errors.Refused: (403, code_pb2.PERMISSION_DENIED),
    errors.Unauthenticated: (401, code_pb2.UNAUTHENTICATED),
    errors.Forbidden: (403, code_pb2.PERMISSION_DENIED),
    errors.Overloaded: (429, code_pb2.RESOURCE_EXHAUSTED),
    errors.Unavailable: (503, code_pb2.UNAVAILABLE),
    errors.StorageFull: (507, code_pb2.RESOURCE_EXHAUSTED),
    errors.Bug: (500, code_pb2.INTERNAL),
}


def tree(base: type[AirisError] = AirisError) -> list[type[AirisError]]:
    own = [kind for kind in base.__subclasses__() if kind.__module__ == "airis_ray.errors"]
    return [base, *(found for kind in own for found in tree(kind))]


def test_every_error_of_the_tree_has_its_codes() -> None:
    assert {kind: (kind_of(kind("x")).status, kind_of(kind("x")).code) for kind in tree()} == EXPECTED


async def raised(error: Exception) -> httpx.Response:
    return await client_of(demo_app(guard_of(), lambda: error)).get(
        "/things/boom", headers={"x-request-id": "r1"}
    )


async def test_a_problem_has_all_its_members() -> None:
    error = InvalidInput("two are wrong", errors=(FieldError("/a", "no"), FieldError("/b/0", "neither")))
    answer = await raised(error)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == PROBLEM_JSON
    assert answer.json() == {
        "type": "urn:airis:problem:invalid-input",
        "title": "Invalid input",
        "status": 400,
        "detail": "two are wrong",
        "instance": "/things/boom",
        "request_id": "r1",
        "errors": [{"pointer": "/a", "detail": "no"}, {"pointer": "/b/0", "detail": "neither"}],
    }


@pytest.mark.parametrize(
    "error", [RuntimeError("secret insides"), errors.Bug("secret insides"), KeyError("secret")]
)
async def test_what_nobody_handled_tells_nothing_of_our_insides(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await raised(error)
    assert answer.status_code == 500
    assert answer.headers["x-request-id"] == "r1"
    assert "secret" not in answer.text
    [record] = [record for record in caplog.records if record.name == "airis.errors"]
    assert record.exc_info is not None
    assert "secret" in repr(record.exc_info[1])


async def test_retry_after_is_whole_seconds_rounded_up() -> None:
    assert (await raised(Unavailable("x", retry_after=0.2))).headers["retry-after"] == "1"
    assert (await raised(Overloaded("x", retry_after=2.1))).headers["retry-after"] == "3"
    assert "retry-after" not in (await raised(Overloaded("x"))).headers


async def test_404_and_405_are_problems() -> None:
    client = client_of(demo_app(guard_of()))
    missing = await client.get("/nowhere")
    assert (missing.status_code, missing.json()["title"]) == (404, "Not found")
    wrong = await client.delete("/open")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET")
    assert wrong.json()["type"] == "urn:airis:problem:method-not-allowed"
    refused = await client.delete("/raw")
    assert refused.json()["detail"].endswith("allowed: POST")


# ---- OTLP and gRPC ----


def test_rpc_status_carries_the_fields_and_the_delay() -> None:
    status = rpc_status(InvalidInput.field("/a", "no"))
    bad = error_details_pb2.BadRequest()
    assert status.details[0].Unpack(bad)
    assert bad.field_violations[0].field == "/a"
    code, message, [(name, value)] = grpc_status(Overloaded("full", retry_after=1.5))
    assert (code, message, name) == (code_pb2.RESOURCE_EXHAUSTED, "full", "grpc-status-details-bin")
    retry = error_details_pb2.RetryInfo()
    assert Status.FromString(value).details[0].Unpack(retry)
    assert retry.retry_delay.ToTimedelta().total_seconds() == 1.5


@pytest.mark.parametrize("media", [PROTOBUF, "application/json", "text/plain", PROTOBUF + "; x=y"])
def test_otlp_errors_come_in_the_encoding_of_the_request(media: str) -> None:
    scope: dict[str, Any] = {"headers": [(b"content-type", media.encode())]}
    answer = otlp_error(scope, errors.TooLarge("too big"))
    assert answer.status_code == 413
    if media.startswith(PROTOBUF):
        assert answer.media_type == PROTOBUF
        status = Status.FromString(bytes(answer.body))
    else:
        assert answer.media_type == "application/json"
        status = json_format.Parse(bytes(answer.body), Status())
    assert (status.code, status.message) == (code_pb2.INVALID_ARGUMENT, "too big")


# ---- bodies ----


async def refused(json: object = None, content: bytes | None = None, query: str = "") -> list[dict[str, str]]:
    client = client_of(demo_app(guard_of()))
    headers = {"content-type": "application/json"} if content is not None else {}
    answer = await client.post(f"/things/1{query}", json=json, content=content, headers=headers)
    assert answer.status_code == 400, answer.text
    found: list[dict[str, str]] = answer.json()["errors"]
    return found


@pytest.mark.parametrize(
    ("body", "pointer", "says"),
    [
        ({}, "/target", "is required"),
        ({"target": {}, "othres": []}, "/othres", "unknown field; did you mean others?"),
        ({"target": {"qeury": ""}}, "/target/qeury", "unknown field; did you mean query?"),
        ({"target": {}, "others": [{}, {"limt": 1}]}, "/others/1/limt", "unknown field; did you mean limit?"),
        ({"target": {}, "choice": {"limt": 1}}, "/choice/limt", "unknown field; did you mean limit?"),
        ({"target": {}, "form": "x"}, "/form", "unknown field; did you mean from?"),
        ({"target": {}, "zzz": 1}, "/zzz", "unknown field; known: choice, from, others, target, when"),
        ({"target": {}, "a/b~c": 1}, "/a~1b~0c", "unknown field"),
        ({"target": {"limit": "many"}}, "/target/limit", 'expected an integer; got "many"'),
        ({"target": {"limit": 0}}, "/target/limit", "greater than or equal to 1; got 0"),
        ({"target": "x" * 500}, "/target", "…"),
        ({"target": {}, "others": {}}, "/others", "expected an array; got {}"),
        ({"target": {"limit": None}}, "/target/limit", "expected an integer; got null"),
        ({"target": {}, "when": None}, "/when", "expected a string or an integer; got null"),
        ([], "", "expected an object; got []"),
    ],
)
async def test_each_bad_field_has_its_pointer_and_what_was_expected(
    body: object, pointer: str, says: str
) -> None:
    [error] = await refused(body)
    assert error["pointer"] == pointer
    assert says in error["detail"]
    assert len(error["detail"]) < 300


async def test_several_bad_fields_are_all_named() -> None:
    errors_ = await refused({"target": {"limit": 0}, "zzz": 1, "from": 5})
    assert {error["pointer"] for error in errors_} == {"/target/limit", "/zzz", "/from"}


@pytest.mark.parametrize("content", [b"{", b"", b"\xff\xfe", b'{"target": nope}'])
async def test_what_is_no_json_says_so(content: bytes) -> None:
    [error] = await refused(content=content)
    assert error["pointer"] == ""
    assert "body" in error["detail"]


@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded; charset=utf-8", ""])
async def test_a_body_that_is_not_called_json_gives_415(media: str) -> None:
    client = client_of(demo_app(guard_of()))
    headers = {"content-type": media} if media else {}
    answer = await client.post("/things/1", content=b'{"target": {}}', headers=headers)
    assert answer.status_code == 415
    assert answer.json()["detail"].endswith("expected application/json")


async def test_unknown_query_parameters_are_errors() -> None:
    [error] = await refused({"target": {}}, query="?windwo=5")
    assert error == {"pointer": "/windwo", "detail": "unknown query parameter; did you mean window?"}
    [error] = await refused({"target": {}}, query="?window=wide")
    assert error["pointer"] == "/window"
    assert error["detail"].startswith("query parameter: ")
    assert "got 'wide'" in error["detail"]


async def test_bodies_over_the_limit_give_413_with_and_without_a_length() -> None:
    settings = Settings.model_validate({"ingest": {"max_body_bytes": 1000}})
    client = client_of(demo_app(guard_of(), settings=settings))

    async def chunks() -> Any:
        for _ in range(11):
            yield b"x" * 100

    for path in ("/raw", "/things/1"):
        for content in (b"x" * 1001, chunks()):
            answer = await client.post(path, content=content, headers={"content-type": "application/json"})
            assert answer.status_code == 413, answer.text
            assert "1000" in answer.json()["detail"]
    assert (await client.post("/raw", content=b"x" * 1000)).json() == {"bytes": 1000}
