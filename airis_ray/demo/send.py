"""Payloads to an OTLP endpoint: a few at a time, with patience, and never lost in silence."""

from __future__ import annotations

import contextlib
import queue
import random
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

import httpx
import zstandard
from google.protobuf.message import DecodeError
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from airis_ray.demo.rows import Payload, Signal
from airis_ray.errors import AirisError, Forbidden, InvalidInput, Unauthenticated, Unavailable

_ANSWERS: Final[dict[Signal, tuple[Any, str]]] = {
    "logs": (ExportLogsServiceResponse, "rejected_log_records"),
    "traces": (ExportTraceServiceResponse, "rejected_spans"),
    "metrics": (ExportMetricsServiceResponse, "rejected_data_points"),
}
_AGAIN: Final = frozenset({429, 502, 503, 504})
PATIENCE: Final = 300.0
"""Seconds that one payload is tried before the run gives up."""
_FIRST_CONTACT: Final = 8.0
"""Seconds that a server which has never answered is looked for."""
_LONGEST_WAIT: Final = 30.0
_TIMEOUT: Final = httpx.Timeout(60.0, connect=10.0)
"""An answer comes after the commit, which may take half a minute on a busy machine."""


@dataclass
class Totals:
    """What has become of the payloads so far; ``records`` were acknowledged, by signal."""

    records: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    payloads: int = 0
    bytes: int = 0
    retries: int = 0
    first_rejection: str = ""


class Sink(Protocol):
    """Where payloads go. ``put`` may block; ``close`` returns when all that was put has arrived."""

    totals: Totals

    def put(self, payload: Payload) -> None:
        """Take a payload; raises what a former one ran into."""

    def close(self, patience: float | None = None) -> None:
        """Wait for everything that was put, ``patience`` seconds for each payload; raises what went wrong."""


class Count:
    """Counts payloads and forgets them."""

    def __init__(self) -> None:
        self.totals = Totals()

    def put(self, payload: Payload) -> None:
        """Count."""
        self.totals.records[payload.signal] += payload.records
        self.totals.payloads += 1
        self.totals.bytes += len(payload.body)

    def close(self, patience: float | None = None) -> None:
        """Nothing to wait for."""


class Files(Count):
    """Writes each payload, uncompressed, as ``<number>-<signal>-<records>.pb``."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InvalidInput(f"--out {folder}: {error.strerror}") from None
        self._folder = folder

    def put(self, payload: Payload) -> None:
        """Write one file."""
        name = f"{self.totals.payloads:07d}-{payload.signal}-{payload.records}.pb"
        (self._folder / name).write_bytes(payload.body)
        super().put(payload)


class Sender:
    """Sends over HTTP with ``workers`` requests in flight; the next ``put`` waits while all are busy.

    A payload is tried again on 429, 502, 503, 504 and on broken connections, after ``Retry-After`` or a growing,
    jittered time, until it is acknowledged or ``patience`` seconds are over (eight where nobody has answered yet). Any
    other answer ends the run.
    """

    def __init__(
        self,
        url: str,
        key: str | None,
        *,
        workers: int = 3,
        transport: httpx.BaseTransport | None = None,
        pause: Callable[[float], object] | None = None,
        patience: float = PATIENCE,
    ) -> None:
        if not url.startswith(("http://", "https://")):
            raise InvalidInput(f"--url is {url!r}; expected http://host:port or https://host:port")
        self.totals = Totals()
        self._url, self._patience, self._answered = url.rstrip("/"), patience, False
        headers = {"Content-Type": "application/x-protobuf", "Content-Encoding": "zstd"}
        if key:
            headers["Authorization"] = f"Bearer {key}"
        self._client = httpx.Client(headers=headers, timeout=_TIMEOUT, transport=transport)
        self._stopped = threading.Event()
        self._pause = pause or self._stopped.wait
        self._queue: queue.Queue[Payload | None] = queue.Queue(maxsize=workers)
        self._lock = threading.Lock()
        self._failure: AirisError | None = None
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(workers)]
        for thread in self._threads:
            thread.start()

    def put(self, payload: Payload) -> None:
        """Queue a payload; raises the error that stopped the run."""
        while True:
            if self._failure is not None:
                raise self._failure
            try:
                self._queue.put(payload, timeout=0.2)
                return
            except queue.Full:
                continue

    def close(self, patience: float | None = None) -> None:
        """Wait for the acknowledgements; raises the error that stopped the run."""
        self._patience = self._patience if patience is None else patience
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()
        self._client.close()
        if self._failure is not None:
            raise self._failure

    def _work(self) -> None:
        compressor = zstandard.ZstdCompressor(level=1)
        while (payload := self._queue.get()) is not None:
            if self._failure is not None:
                continue
            try:
                self._send(payload, compressor.compress(payload.body))
            except AirisError as error:
                self._failure = self._failure or error
                self._stopped.set()

    def _send(self, payload: Payload, body: bytes) -> None:
        url, waited, attempt = f"{self._url}/v1/{payload.signal}", 0.0, 0
        while True:
            reason, retry_after, patience = "", None, self._patience
            try:
                answer = self._client.post(url, content=body)
            except httpx.TransportError as error:
                reason = f"{type(error).__name__}: {error}"
                patience = patience if self._answered else min(patience, _FIRST_CONTACT)
            else:
                self._answered = True
                if answer.status_code == 200:
                    self._accepted(payload, len(body), answer.content)
                    return
                reason = _reason(answer)
                if answer.status_code not in _AGAIN:
                    raise _refusal(answer.status_code, f"{url}: {reason}")
                retry_after = _retry_after(answer)
            if waited >= patience or self._stopped.is_set():
                raise Unavailable(f"{url}: gave up after {waited:.0f} s: {reason}")
            # Growing and jittered, so that the workers do not come back all at once.
            wait = (retry_after or min(0.5 * 2**attempt, _LONGEST_WAIT)) * (1.0 + random.random())
            with self._lock:
                self.totals.retries += 1
            self._pause(wait)
            waited, attempt = waited + wait, min(attempt + 1, 16)

    def _accepted(self, payload: Payload, size: int, content: bytes) -> None:
        kind, name = _ANSWERS[payload.signal]
        partial = kind.FromString(content).partial_success
        rejected = getattr(partial, name)
        with self._lock:
            self.totals.payloads += 1
            self.totals.bytes += size
            self.totals.records[payload.signal] += payload.records - rejected
            if rejected:
                self.totals.rejected[payload.signal] += rejected
                self.totals.first_rejection = self.totals.first_rejection or partial.error_message


def _refusal(status: int, text: str) -> AirisError:
    if status == 401:
        return Unauthenticated(f"{text}; give a key with --key or run where AIRIS_DATA_DIR/admin.key is")
    return Forbidden(text) if status == 403 else InvalidInput(text)


def _retry_after(answer: httpx.Response) -> float | None:
    try:
        return max(float(answer.headers.get("Retry-After", "")), 0.05)
    except ValueError:
        return None


def _reason(answer: httpx.Response) -> str:
    """The status with what the server says: the message of a google.rpc.Status, or the start of any other body."""
    said = ""
    with contextlib.suppress(DecodeError):
        said = Status.FromString(answer.content).message
    said = said or answer.content[:400].decode("utf-8", "replace")
    said = "".join(letter for letter in said if letter.isprintable())
    return f"HTTP {answer.status_code} {said}".strip()
