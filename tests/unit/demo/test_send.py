"""The sender: nothing is lost in silence, waiting is honoured, refusals end the run."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
import zstandard
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)

from airis_ray.demo.rows import Payload
from airis_ray.demo.send import Sender
from airis_ray.errors import AirisError, Forbidden, InvalidInput, Unauthenticated, Unavailable

PAYLOAD = Payload("traces", b"\x0a\x00" * 50, 10)


class Server:
    """Answers with what it is told, then with 200; remembers what it accepted."""

    def __init__(self, *answers: Callable[[], httpx.Response]) -> None:
        self._answers = list(answers)
        self.accepted: list[tuple[str, bytes]] = []
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if self._answers:
            return self._answers.pop(0)()
        self.accepted.append((request.url.path, zstandard.decompress(request.content)))
        return httpx.Response(200, content=b"")


def _sender(server: Server, waits: list[float], *, key: str | None = "k", patience: float = 300.0) -> Sender:
    transport = httpx.MockTransport(server)
    return Sender("http://demo/", key, workers=1, transport=transport, pause=waits.append, patience=patience)


def _answer(
    status: int, headers: dict[str, str] | None = None, content: bytes = b""
) -> Callable[[], httpx.Response]:
    return lambda: httpx.Response(status, headers=headers, content=content)


def _broken() -> httpx.Response:
    raise httpx.ConnectError("connection refused")


def test_payloads_arrive_with_their_key() -> None:
    server, waits = Server(), list[float]()
    sender = _sender(server, waits)
    for _ in range(5):
        sender.put(PAYLOAD)
    sender.close()
    assert server.accepted == [("/v1/traces", PAYLOAD.body)] * 5
    assert sender.totals.records == {"traces": 50}
    assert (sender.totals.payloads, sender.totals.retries) == (5, 0)
    headers = server.requests[0].headers
    assert headers["Authorization"] == "Bearer k"
    assert headers["Content-Type"] == "application/x-protobuf"


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_server_is_asked_again_after_its_time(status: int) -> None:
    server, waits = (
        Server(_answer(status, {"Retry-After": "7"}), _answer(status, {"Retry-After": "3"})),
        list[float](),
    )
    sender = _sender(server, waits)
    sender.put(PAYLOAD)
    sender.close()
    assert server.accepted == [("/v1/traces", PAYLOAD.body)]
    assert 7 <= waits[0] <= 14
    assert 3 <= waits[1] <= 6
    assert sender.totals.retries == 2


def test_broken_connections_are_tried_again_ever_more_slowly() -> None:
    server, waits = Server(_answer(200), *[_broken] * 6), list[float]()
    sender = _sender(server, waits)
    sender.put(PAYLOAD)
    sender.put(PAYLOAD)
    sender.close()
    assert sender.totals.payloads == 2
    assert len(waits) == 6
    assert all(0.5 * 2**number <= wait <= 2**number for number, wait in enumerate(waits))


@pytest.mark.parametrize(("first", "least", "most"), [(_broken, 8, 40), (_answer(503), 100, 200)])
def test_patience_ends_with_an_error(first: Callable[[], httpx.Response], least: float, most: float) -> None:
    """A server that was never there is not waited for as long as one that went away."""
    server, waits = Server(first, *[_broken] * 100), list[float]()
    sender = _sender(server, waits, patience=100)
    sender.put(PAYLOAD)
    with pytest.raises(Unavailable, match="gave up"):
        sender.close()
    assert least <= sum(waits) <= most
    assert sender.totals.records == {}


def test_an_address_without_a_scheme_is_refused() -> None:
    with pytest.raises(InvalidInput, match="--url is 'localhost:3000'"):
        Sender("localhost:3000", None)


@pytest.mark.parametrize(
    ("status", "error"), [(400, InvalidInput), (401, Unauthenticated), (403, Forbidden), (413, InvalidInput)]
)
def test_a_refusal_ends_the_run_and_says_why(status: int, error: type[AirisError]) -> None:
    server, waits = Server(_answer(status, content=b"\x12\x10the reason it is")), list[float]()
    sender = _sender(server, waits)
    sender.put(PAYLOAD)
    with pytest.raises(error, match="the reason it is"):
        sender.close()
    with pytest.raises(error):
        sender.put(PAYLOAD)
    assert waits == []
    assert sender.totals.records == {}


def test_refused_records_are_counted() -> None:
    partial = ExportTracePartialSuccess(rejected_spans=3, error_message="span 4: no trace id")
    body = ExportTraceServiceResponse(partial_success=partial).SerializeToString()
    server, waits = Server(_answer(200, content=body)), list[float]()
    sender = _sender(server, waits)
    sender.put(PAYLOAD)
    sender.close()
    assert sender.totals.records == {"traces": 7}
    assert sender.totals.rejected == {"traces": 3}
    assert sender.totals.first_rejection == "span 4: no trace id"


def test_without_a_key_none_is_sent() -> None:
    server, waits = Server(), list[float]()
    sender = _sender(server, waits, key=None)
    sender.put(PAYLOAD)
    sender.close()
    assert "Authorization" not in server.requests[0].headers


def test_a_refusal_says_what_the_server_says() -> None:
    status = Status(code=16, message="the API key is unknown").SerializeToString()
    sender = _sender(Server(_answer(401, content=status)), [])
    sender.put(PAYLOAD)
    with pytest.raises(Unauthenticated, match="HTTP 401 the API key is unknown;"):
        sender.close()
