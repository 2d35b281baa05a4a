"""The answer's side of ClickHouse's HTTP interface: headers, whole and streamed bodies, errors."""

from __future__ import annotations

import secrets
import string
from collections.abc import Awaitable, Callable
from typing import Any

import orjson

from airis_ray.store.embedded.errors import ClickHouseError
from airis_ray.store.embedded.formats import Cost
from airis_ray.store.embedded.wire import Codec
from airis_ray.store.embedded.work import Finished

Send = Callable[[dict[str, Any]], Awaitable[None]]


class Answer:
    """One HTTP answer. Nothing is sent before its first byte or its error is known."""

    def __init__(self, send: Send, *, version: str, time_zone: str, server: str) -> None:
        self._send = send
        self._version = version
        self._tag = "".join(secrets.choice(string.ascii_lowercase) for _ in range(16))
        self._headers: dict[str, str] = {
            "x-clickhouse-server-display-name": server,
            "x-clickhouse-timezone": time_zone,
        }
        self.begun = False
        self.codec: Codec | None = None

    def header(self, name: str, value: str) -> None:
        """Set a header (lower case)."""
        self._headers[name] = value

    async def text(self, text: str, status: int = 200) -> None:
        """Answer a line of text."""
        self.header("content-type", "text/html; charset=UTF-8")
        await self._whole(status, text.encode())

    async def finish(self, finished: Finished) -> None:
        """Send the rest, or all of it."""
        if self.begun:
            await self._send({"type": "http.response.body", "body": finished.data})
            return
        self._summary(finished)
        await self._whole(200, finished.data)

    async def piece(self, data: bytes) -> None:
        """Send a piece of a long answer."""
        if not self.begun:
            self.header("x-clickhouse-exception-tag", self._tag)
            self._summary(Finished())
            await self._start(200)
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def fail(self, problem: ClickHouseError) -> None:
        """Send an error: by status and header, or, in the middle of an answer, as ClickHouse's marked block.

        After that block the answer is broken off: a client that knows nothing of the mark sees a broken answer and not
        a short one.
        """
        body = problem.body(self._version)
        if not self.begun:
            self._headers.pop("content-encoding", None)
            self.header("content-type", "text/plain; charset=UTF-8")
            self.header("x-clickhouse-exception-code", str(problem.code))
            if problem.status == 401:
                self.header("www-authenticate", 'Basic realm="ClickHouse server HTTP API"')
            await self._whole(problem.status, body)
            return
        tag = self._tag.encode()
        mark = (
            b"\r\n__exception__\r\n"
            + tag
            + b"\r\n"
            + body
            + b"%d " % len(body)
            + tag
            + b"\r\n__exception__\r\n"
        )
        packed = mark if self.codec is None else self.codec.feed(mark) + self.codec.finish()
        await self._send({"type": "http.response.body", "body": packed, "more_body": True})

    async def _whole(self, status: int, body: bytes) -> None:
        self.header("content-length", str(len(body)))
        await self._start(status)
        await self._send({"type": "http.response.body", "body": body})

    async def _start(self, status: int) -> None:
        self.begun = True
        headers = [
            (name.encode(), value.encode("latin-1", "replace")) for name, value in self._headers.items()
        ]
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    def _summary(self, finished: Finished) -> None:
        cost, written = finished.cost, finished.written
        if written is not None:
            cost = Cost(written.rows, written.bytes, written.seconds)
        summary = {
            "read_rows": cost.rows,
            "read_bytes": cost.bytes,
            "written_rows": written.rows if written else 0,
            "written_bytes": written.bytes if written else 0,
            "total_rows_to_read": 0,
            "result_rows": written.rows if written else finished.result_rows,
            "result_bytes": written.bytes if written else len(finished.data),
            "elapsed_ns": int(cost.seconds * 1e9),
        }
        self.header("x-clickhouse-summary", orjson.dumps({k: str(v) for k, v in summary.items()}).decode())
