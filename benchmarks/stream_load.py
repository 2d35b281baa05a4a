"""What the stream benchmark sends, and how it sees what has arrived: requests that never repeat, a gate, probes."""

from __future__ import annotations

import itertools
import secrets
import threading
import time
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from benchmarks.load import Outcome, post_while
from benchmarks.telemetry import requests

_POLL_SECONDS = 0.05
_PROBE_SECONDS = 0.25
_PROBE = "airis-probe"
_REQUESTS = 40
_SECONDS = 60.0


class Requests:
    """OTLP requests of ``records`` spans, each different from all before it: consumers drop what was sent twice."""

    def __init__(self, records: int) -> None:
        self.records = records
        self._bodies = requests("traces", _REQUESTS, records)
        self._places = [body.index(_first_trace(body)) for body in self._bodies]
        self._turns = itertools.count()
        self._salt = secrets.token_bytes(8)
        self.wire = sum(map(len, self._bodies)) / _REQUESTS / records

    def __call__(self) -> bytes:
        """The next one: its first span has a trace id that no other has."""
        turn = next(self._turns)
        body, place = self._bodies[turn % _REQUESTS], self._places[turn % _REQUESTS]
        return body[:place] + self._salt + turn.to_bytes(8, "big") + body[place + 16 :]


def _first_trace(body: bytes) -> bytes:
    message = ExportTraceServiceRequest.FromString(body)
    return bytes(message.resource_spans[0].scope_spans[0].spans[0].trace_id)


class Searching:
    """Questions to the store, by HTTP."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url
        self._headers = {"X-ClickHouse-User": "default", "X-ClickHouse-Key": key}

    def ask(self, sql: str) -> list[str]:
        """The lines of an answer."""
        request = urllib.request.Request(self._url, sql.encode(), self._headers)
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:
            return str(answer.read().decode()).splitlines()

    def stored(self) -> int:
        """Spans in the store."""
        return int(self.ask("SELECT count() FROM otel_traces")[0])

    def found(self, since: float) -> set[str]:
        """The trace ids of the probes that can be found, as the page's search would look for them."""
        where = f"Tenant = 'default' AND ServiceName = '{_PROBE}' AND Timestamp >= toDateTime({int(since)})"
        return set(self.ask(f"SELECT TraceId FROM otel_traces WHERE {where}"))


@dataclass
class Target:
    """Where to send, with which headers, the store in which it arrives, and how many spans were accepted so far."""

    url: str
    headers: dict[str, str]
    store: Searching
    accepted: int = 0


class Feed:
    """Sends for a while, as fast as the path takes it or at a rate, and counts what was accepted."""

    def __init__(self, target: Target, body: Requests, connections: int) -> None:
        self._target, self._body, self._connections = target, body, connections
        self._lock = threading.Lock()
        self.outcome = Outcome()

    @property
    def accepted(self) -> int:
        """Spans acknowledged so far."""
        return self.outcome.statuses[200] * self._body.records

    def bounded(self, seconds: float, stored: Callable[[], int], ahead: int) -> None:
        """Send for so long; wait while more than ``ahead`` spans are on their way to the store."""
        end = time.monotonic() + seconds
        taken = itertools.count()
        base = stored()

        def take() -> bytes | None:
            with self._lock:
                turn = next(taken)
                while (now := time.monotonic()) < end and (
                    turn + 1
                ) * self._body.records - stored() + base > ahead:
                    time.sleep(0.01)
            return self._body() if now < end else None

        self._post(take)

    def paced(self, seconds: float, rate: float) -> None:
        """Send for so long at ``rate`` spans a second, whatever has arrived."""
        begin = time.monotonic()
        taken = itertools.count()

        def take() -> bytes | None:
            due = next(taken) * self._body.records / rate
            if due >= seconds:
                return None
            time.sleep(max(0.0, begin + due - time.monotonic()))
            return self._body()

        self._post(take)

    def counted(self, spans: int) -> None:
        """Send so many as fast as they are accepted."""
        turns = itertools.count()
        wanted = -(-spans // self._body.records)
        self._post(lambda: self._body() if next(turns) < wanted else None)

    def _post(self, take: Callable[[], bytes | None]) -> None:
        target = self._target
        before = self.accepted
        post_while(target.url, take, target.headers, connections=self._connections, outcome=self.outcome)
        target.accepted += self.accepted - before


class Probes:
    """Spans of their own, one each quarter of a second: how long after its 2xx is each found by a search?"""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._accepted: dict[str, float] = {}
        self.seconds: list[float] = []

    def run(self, seconds: float, patience: float = 60.0) -> None:
        """Send for so long; then wait for those not found yet. Those that do not come count with ``patience``."""
        sender = threading.Thread(target=self._send, args=(seconds,))
        began = time.time()
        sender.start()
        found: set[str] = set()
        end = time.monotonic() + seconds + patience
        while (sender.is_alive() or len(found) < len(self._accepted)) and time.monotonic() < end:
            new = self._target.store.found(began - 1) - found
            now = time.monotonic()
            # One found before its 2xx was noted has waited for nothing.
            self.seconds += [max(0.0, now - self._accepted.get(trace, now)) for trace in new]
            found |= new
            time.sleep(_POLL_SECONDS)
        sender.join()
        self.seconds += [patience] * (len(self._accepted) - len(found))
        self._target.accepted += len(self._accepted)

    def _send(self, seconds: float) -> None:
        begin = time.monotonic()
        traces: list[str] = []

        def take() -> bytes | None:
            if traces:
                self._accepted[traces[-1]] = time.monotonic()
            if (due := len(traces) * _PROBE_SECONDS) >= seconds:
                return None
            time.sleep(max(0.0, begin + due - time.monotonic()))
            trace = secrets.token_bytes(16)
            traces.append(trace.hex())
            return _probe(trace)

        post_while(self._target.url, take, self._target.headers, connections=1)


def _probe(trace: bytes) -> bytes:
    message = ExportTraceServiceRequest()
    group = message.resource_spans.add()
    for name, value in (("service.name", _PROBE), ("service.instance.id", trace.hex())):
        group.resource.attributes.add(key=name).value.string_value = value
    now = time.time_ns()
    span = group.scope_spans.add().spans.add(trace_id=trace, span_id=trace[:8], name="probe")
    span.start_time_unix_nano, span.end_time_unix_nano = now, now + 1000
    return bytes(message.SerializeToString())


def quantile(values: Sequence[float], share: float) -> float:
    """The value that so large a share of ``values`` does not exceed; 0 without any."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
