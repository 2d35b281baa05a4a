"""A known stream: log records and spans with a running number, sent as an SDK sends, each until it is taken."""

from __future__ import annotations

import itertools
import random
import threading
import time
from dataclasses import dataclass, field

import httpx
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

ATTRIBUTE = "fault.number"
SIGNALS = ("logs", "traces")

_RETRYABLE = (429, 502, 503, 504)
"""What the OTLP specification lets a sender repeat; it gives up everything else, and the records would be lost."""

_TIMEOUT = 10.0  # of one request, as the SDKs have it
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
_GIVE_UP_SECONDS = 300.0
_HOSTS = 12  # resources, so that every partition has some


@dataclass
class Told:
    """What the senders heard."""

    requests: int = 0
    retries: int = 0
    answers: dict[str, int] = field(default_factory=dict)
    longest: float = 0.0
    """Seconds from a request's first try to its acknowledgement."""


class NumberedStream:
    """Senders in threads, each with requests of ``per`` records; ``pause`` seconds between two of a sender.

    ``padding`` makes each record larger by as many bytes.
    """

    def __init__(
        self, url: str, key: str, *, senders: int = 4, per: int = 25, pause: float = 0.1, padding: int = 0
    ) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/x-protobuf"}
        self._per = per
        self._pause = pause
        self._padding = padding
        self._lock = threading.Lock()
        self._next = dict.fromkeys(SIGNALS, 0)
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._send_all, args=(SIGNALS[n % 2],), daemon=True)
            for n in range(senders)
        ]
        self.told = Told()
        self.failed: list[str] = []

    @property
    def sent(self) -> dict[str, int]:
        """How many numbers of each signal were handed out: 0 to this, without it."""
        with self._lock:
            return dict(self._next)

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """No new numbers; return when all are acknowledged. Raises AssertionError where a sender had to give up."""
        self._stop.set()
        for thread in self._threads:
            thread.join(_GIVE_UP_SECONDS + 2 * _TIMEOUT)
        assert not any(thread.is_alive() for thread in self._threads), "a sender hangs"
        assert not self.failed, self.failed[:3]

    def wait_for(self, more: int, seconds: float = 120.0) -> None:
        """Until ``more`` further requests were acknowledged."""
        wanted, limit = self.told.requests + more, time.monotonic() + seconds
        waiting = threading.Event()
        while self.told.requests < wanted:
            assert time.monotonic() < limit, f"{self.told} after {seconds:g} s; {self.failed[:3]}"
            waiting.wait(0.1)

    def _send_all(self, signal: str) -> None:
        with httpx.Client(base_url=self._url, headers=self._headers, timeout=_TIMEOUT) as http:
            while not self._stop.is_set():
                with self._lock:
                    first = self._next[signal]
                    self._next[signal] += self._per
                body = _BODIES[signal](range(first, first + self._per), self._padding)
                problem = self._send(http, signal, body)
                if problem is not None:
                    self.failed.append(f"{signal} {first}: {problem}")
                    return
                self._stop.wait(self._pause)

    def _send(self, http: httpx.Client, signal: str, body: bytes) -> str | None:
        """Send until it is acknowledged; why it was not."""
        started = time.monotonic()
        for attempt in itertools.count():
            answer, wait = self._once(http, signal, body, attempt)
            taken = time.monotonic() - started
            with self._lock:
                if answer == "200":
                    self.told.requests += 1
                    self.told.longest = max(self.told.longest, taken)
                    return None
                self.told.retries += 1
                self.told.answers[answer] = self.told.answers.get(answer, 0) + 1
            if wait is None or taken > _GIVE_UP_SECONDS:
                return f"{answer} after {taken:.0f} s and {attempt + 1} attempts"
            time.sleep(wait)
        return None

    @staticmethod
    def _once(http: httpx.Client, signal: str, body: bytes, attempt: int) -> tuple[str, float | None]:
        """One attempt: what was heard, and the pause before the next, None where a sender makes none."""
        pause = random.uniform(0.5, 1.0) * min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**attempt)
        try:
            answer = http.post(f"/v1/{signal}", content=body)
        except httpx.HTTPError as error:
            return type(error).__name__, pause
        if answer.status_code not in _RETRYABLE:
            return str(answer.status_code), None
        return str(answer.status_code), max(pause, float(answer.headers.get("Retry-After", 0)))


def logs(numbers: range, padding: int = 0) -> bytes:
    """A request with a log record for each number, its body ``padding`` characters longer than it has to be."""
    request = ExportLogsServiceRequest()
    one = request.resource_logs.add()
    _describe(one.resource.attributes)
    records = one.scope_logs.add().log_records
    for number in numbers:
        record = records.add(time_unix_nano=time.time_ns(), severity_number=9)
        record.body.string_value = f"number {number}" + random.randbytes(padding // 2).hex()
        record.attributes.add(key=ATTRIBUTE).value.string_value = str(number)
    return bytes(request.SerializeToString())


def spans(numbers: range, padding: int = 0) -> bytes:
    """A request with a span for each number, ``padding`` characters larger than it has to be."""
    request = ExportTraceServiceRequest()
    one = request.resource_spans.add()
    _describe(one.resource.attributes)
    records = one.scope_spans.add().spans
    for number in numbers:
        now = time.time_ns()
        span = records.add(kind=2, start_time_unix_nano=now, end_time_unix_nano=now + 10**6)
        span.name = "numbered"
        span.attributes.add(key="padding").value.string_value = random.randbytes(padding // 2).hex()
        span.trace_id, span.span_id = random.randbytes(16), random.randbytes(8)
        span.attributes.add(key=ATTRIBUTE).value.string_value = str(number)
    return bytes(request.SerializeToString())


def _describe(attributes) -> None:  # type: ignore[no-untyped-def] # protobuf's containers have no public type
    attributes.add(key="service.name").value.string_value = "numbered"
    attributes.add(key="host.name").value.string_value = f"host-{random.randrange(_HOSTS)}"


_BODIES = {"logs": logs, "traces": spans}
