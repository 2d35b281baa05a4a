"""A request of ClickHouse's HTTP interface: URL parameters, headers, form fields, and the body as it arrives."""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any
from urllib.parse import parse_qsl

from airis_ray.store.embedded.engine import checked_name
from airis_ray.store.embedded.errors import (
    BAD_REQUEST_PARAMETER,
    NOT_IMPLEMENTED,
    QUERY_WAS_CANCELLED,
    SOCKET_TIMEOUT,
    error,
)

Receive = Callable[[], Awaitable[dict[str, Any]]]

_NO_SETTINGS = frozenset(
    {
        "add_http_cors_header",
        "buffer_size",
        "cancel_http_readonly_queries_on_client_close",
        "client_protocol_version",
        "compress",
        "database",
        "decompress",
        "default_format",
        "enable_http_compression",
        "http_headers_progress_interval_ms",
        "http_native_compression_disable_checksumming_on_decompress",
        "http_zlib_compression_level",
        "password",
        "query",
        "query_id",
        "quota_key",
        "role",
        "send_progress_in_http_headers",
        "session_check",
        "session_id",
        "session_timeout",
        "stacktrace",
        "user",
        "wait_end_of_query",
    }
)

_IN_HEADERS = {"query_id": re.compile(r"[ -~]{0,200}"), "default_format": re.compile(r"\w{0,100}", re.ASCII)}


class Gone(Exception):
    """The client has closed the connection."""


IDLE_SECONDS = 30.0
"""How long a body may pause: as ClickHouse's http_receive_timeout. A sender that stalls holds a writer's place."""

SLOWEST_RATE = 4096.0
"""Bytes a second that a body must bring, on the average of the time it was waited for after the first IDLE_SECONDS.

One byte every 29 s is no pause, and would hold its place for ever. Apache's RequestReadTimeout asks for 500,
Kestrel for 240.
"""


class Body:
    """The bytes of a request in the order of their arrival."""

    def __init__(self, receive: Receive, *, idle: float = IDLE_SECONDS) -> None:
        self._receive = receive
        self._idle = idle
        self._ended = self._stopped = False
        self._arrived, self._waited = 0, 0.0
        self._waiting: asyncio.Timeout | None = None

    @property
    def has_ended(self) -> bool:
        """Whether all bytes have been read."""
        return self._ended

    async def next(self) -> bytes:
        """The next bytes; none at the end.

        Raises Gone where the client went before it, ClickHouseError (SOCKET_TIMEOUT) where nothing came for
        ``idle`` seconds or less than SLOWEST_RATE on the average, and (QUERY_WAS_CANCELLED) after :meth:`stop`.
        """
        while not self._ended:
            message = await self._message()
            if message["type"] == "http.disconnect":
                raise Gone
            self._ended = not message.get("more_body", False)
            if data := message.get("body", b""):
                self._arrived += len(data)
                return bytes(data)
        return b""

    def stop(self) -> None:
        """Read no more: who waits for bytes is told so at once. To be called on the loop."""
        self._stopped = True
        if self._waiting is not None:
            self._waiting.reschedule(asyncio.get_running_loop().time())

    async def _message(self) -> dict[str, Any]:
        patience = min(self._idle, self._idle + self._arrived / SLOWEST_RATE - self._waited)
        begun = asyncio.get_running_loop().time()
        if not self._stopped:
            try:
                async with asyncio.timeout(patience) as self._waiting:
                    return await self._receive()
            except TimeoutError:
                pass
            finally:
                self._waiting = None
                self._waited += asyncio.get_running_loop().time() - begun
        if self._stopped:
            raise error(QUERY_WAS_CANCELLED, "Query was cancelled before its data had arrived")
        if patience < self._idle:
            slow = f"{self._arrived} bytes of the body in {self._waited:.0f} s of waiting"
            raise error(SOCKET_TIMEOUT, f"Timeout: {slow}; expected at least {SLOWEST_RATE:g} bytes a second")
        raise error(SOCKET_TIMEOUT, f"Timeout: nothing more of the body arrived for {self._idle:g} s")

    async def gone(self) -> None:
        """Return once the client has closed the connection; to be called when the body has been read."""
        while (await self._receive())["type"] != "http.disconnect":
            pass


@dataclass
class Request:
    """What the URL, the headers and the form say."""

    method: str
    path: str
    headers: Mapping[str, str]
    values: dict[str, str]
    body: Body
    settings: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, scope: Mapping[str, Any], receive: Receive, *, idle: float = IDLE_SECONDS) -> Request:
        """The request of an ASGI scope; ``idle`` as :class:`Body`'s."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        request = cls(scope["method"], scope["path"], headers, {}, Body(receive, idle=idle))
        for name, value in pairs:
            request.take(name, value)
        return request

    def take(self, name: str, value: str) -> None:
        """Sort one value under the request's own, the query's parameters or the settings.

        ClickHouseError for a name that is none, and for a value that its answer's headers cannot hold.
        """
        if name.startswith("param_"):
            self.parameters[checked_name(name.removeprefix("param_"))] = value
        elif name in _NO_SETTINGS:
            if name in _IN_HEADERS and _IN_HEADERS[name].fullmatch(value) is None:
                raise error(BAD_REQUEST_PARAMETER, f"{name}={value[:100]!r}: expected printable characters")
            self.values[name] = value
        elif name.endswith(("_structure", "_types")):
            raise error(
                NOT_IMPLEMENTED, "external data is not supported: insert it into a table, or use parameters"
            )
        else:
            self.settings[checked_name(name)] = value

    @property
    def key(self) -> str | None:
        """The key in the credentials, whichever way they came; the user's name is not looked at."""
        scheme, _, rest = self.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return rest.strip()
        if scheme.lower() == "basic":
            try:
                return base64.b64decode(rest, validate=True).decode().partition(":")[2]
            except (binascii.Error, UnicodeDecodeError):
                return ""
        return self.headers.get("x-clickhouse-key") or self.values.get("password")

    @property
    def default_format(self) -> str | None:
        """The format for statements that name none."""
        return self.values.get("default_format") or self.headers.get("x-clickhouse-format")

    @property
    def database(self) -> str | None:
        """The database that the request names."""
        return self.values.get("database") or self.headers.get("x-clickhouse-database")

    def flag(self, name: str) -> bool:
        """Whether a parameter says yes."""
        return self.values.get(name, "0").lower() not in ("", "0", "false")

    def number(self, name: str, default: float) -> float:
        """A parameter as a number."""
        try:
            return float(self.values.get(name) or default)
        except ValueError:
            raise error(BAD_REQUEST_PARAMETER, f"{name}={self.values[name]!r}: expected a number") from None

    @property
    def is_plain(self) -> bool:
        """Whether the body is not compressed."""
        return self.headers.get("content-encoding", "") in ("", "identity") and not self.flag("decompress")

    @property
    def is_form(self) -> bool:
        """Whether the body is a form, with the query in one of its fields."""
        return self.headers.get("content-type", "").startswith("multipart/form-data")

    def take_form(self, body: bytes) -> None:
        """Read the fields of a form. Files would be external data."""
        head = f"Content-Type: {self.headers['content-type']}\r\n\r\n".encode()
        message = BytesParser(policy=HTTP).parsebytes(head + body)
        for part in message.iter_parts():
            if part.get_filename() is not None:
                raise error(
                    NOT_IMPLEMENTED,
                    "external data is not supported: insert it into a table, or use parameters",
                )
            name = str(part.get_param("name", "", header="content-disposition"))
            content = part.get_payload(decode=True)
            self.take(name, content.decode() if isinstance(content, bytes) else "")
