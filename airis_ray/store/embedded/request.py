"""A request of ClickHouse's HTTP interface: URL parameters, headers, form fields, and the body as it arrives."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any
from urllib.parse import parse_qsl

from airis_ray.store.embedded.errors import BAD_REQUEST_PARAMETER, NOT_IMPLEMENTED, error

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


class Gone(Exception):
    """The client has closed the connection."""


class Body:
    """The bytes of a request in the order of their arrival."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._ended = False

    async def next(self) -> bytes:
        """The next bytes; none at the end. Raises Gone where the client went before it."""
        while not self._ended:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise Gone
            self._ended = not message.get("more_body", False)
            if data := message.get("body", b""):
                return bytes(data)
        return b""

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
    def of(cls, scope: Mapping[str, Any], receive: Receive) -> Request:
        """The request of an ASGI scope."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        request = cls(scope["method"], scope["path"], headers, {}, Body(receive))
        for name, value in pairs:
            request.take(name, value)
        return request

    def take(self, name: str, value: str) -> None:
        """Sort one value under the request's own, the query's parameters or the settings."""
        if name.startswith("param_"):
            self.parameters[name.removeprefix("param_")] = value
        elif name in _NO_SETTINGS:
            self.values[name] = value
        elif name.endswith(("_structure", "_types")):
            raise error(
                NOT_IMPLEMENTED, "external data is not supported: insert it into a table, or use parameters"
            )
        else:
            self.settings[name] = value

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
