"""The HTTP side of the client: one connection pool, errors as our own exceptions, Arrow answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
import orjson
import pyarrow as pa

from airis_ray.errors import (
    AirisError,
    FieldError,
    Forbidden,
    InvalidInput,
    NotFound,
    Overloaded,
    TooLarge,
    Unauthenticated,
    Unavailable,
    Unprocessable,
)

ARROW_STREAM = "application/vnd.apache.arrow.stream"
JSON = "application/json"
OCTETS = "application/octet-stream"
CURSOR_HEADER = "X-Airis-Cursor"


class Http:
    """Requests to one AIRIS-Ray; safe to share between threads."""

    def __init__(self, url: str, key: str | None, timeout: float) -> None:
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        self.url = url.rstrip("/")
        self.key = key
        self.timeout = timeout
        self._client = httpx.Client(base_url=self.url, headers=headers, timeout=timeout)

    def json(
        self,
        method: str,
        path: str,
        body: object = None,
        params: Mapping[str, Any] | None = None,
        accept: tuple[int, ...] = (),
        *,
        binary: bool = False,
        timeout: float | None = None,
    ) -> Any:
        """An answer in JSON; ``binary``: the body is bytes, sent as they are; ``timeout``: where not the usual one.

        Raises the exception of :mod:`airis_ray.errors` that fits the answer's status, unless ``accept`` names it.
        """
        sent = OCTETS if binary else JSON
        answer = self._send(method, path, body, params, JSON, accept, sent=sent, timeout=timeout)
        return orjson.loads(answer.content) if answer.content else None

    def table(self, path: str, body: object) -> tuple[pa.Table, str | None]:
        """A tabular answer as Arrow, with the cursor of the next page where there is one."""
        answer = self._send("POST", path, body, None, ARROW_STREAM)
        with pa.ipc.open_stream(answer.content) as reader:
            return reader.read_all(), answer.headers.get(CURSOR_HEADER)

    def exchange(self, path: str, table: pa.Table, params: Mapping[str, Any]) -> pa.Table:
        """Send a table, get one back: Arrow streams both ways."""
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        body = bytes(sink.getvalue())
        answer = self._send("POST", path, body, params, ARROW_STREAM, sent=ARROW_STREAM)
        with pa.ipc.open_stream(answer.content) as reader:
            return reader.read_all()

    def close(self) -> None:
        self._client.close()

    def _send(
        self,
        method: str,
        path: str,
        body: object,
        params: Mapping[str, Any] | None,
        media_type: str,
        statuses: tuple[int, ...] = (),
        *,
        sent: str = JSON,
        timeout: float | None = None,
    ) -> httpx.Response:
        content = body if body is None or isinstance(body, bytes) else orjson.dumps(body)
        headers = {"Accept": media_type} | ({} if body is None else {"Content-Type": sent})
        longest = timeout or self.timeout
        own: dict[str, Any] = {} if timeout is None else {"timeout": timeout}
        wanted = {name: value for name, value in (params or {}).items() if value is not None}
        try:
            answer = self._client.request(
                method,
                path,
                content=content,
                params=wanted,
                headers=headers,
                **own,
            )
        except httpx.TimeoutException:
            raise Unavailable(f"{self.url}{path}: no answer within {longest:.0f} s") from None
        except httpx.HTTPError as error:
            raise Unavailable(f"{self.url}: {error}") from None
        if answer.is_error and answer.status_code not in statuses:
            raise _error(answer)
        return answer


def _error(answer: httpx.Response) -> AirisError:
    try:
        problem: dict[str, Any] = orjson.loads(answer.content)
        message = str(problem.get("detail") or problem.get("title") or answer.reason_phrase)
        fields = tuple(FieldError(item["pointer"], item["detail"]) for item in problem.get("errors", ()))
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError):
        message, fields = f"{answer.status_code} {answer.reason_phrase}: {answer.text[:200]}", ()
    retry_after = float(answer.headers.get("Retry-After", 1.0))
    match answer.status_code:
        case 401:
            return Unauthenticated(message)
        case 403:
            return Forbidden(message)
        case 404:
            return NotFound(message)
        case 413:
            return TooLarge(message)
        case 422:
            return Unprocessable(message, errors=fields)
        case 429:
            return Overloaded(message, retry_after=retry_after)
        case status if status >= 500:
            return Unavailable(message, retry_after=retry_after)
        case _:
            return InvalidInput(message, errors=fields)
