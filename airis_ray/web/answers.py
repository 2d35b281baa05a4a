"""Answers given again: a query that was costly is not asked twice within seconds.

ASGI middleware behind the guard, for applications whose every route only reads. The name of a kept answer holds the
tenant, the rights of the key and the whole request, and the answer says whose it is: another tenant's never comes back.
How long it is kept follows from what it cost: five times as long as it took to find, and not at all when it was found
at once. So who writes and reads small amounts reads what was written; who does not want an answer kept for a heavy
query either says ``Cache-Control: no-cache`` (ask anew), ``no-store`` (and keep nothing) or ``max-age``.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Final

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from airis_ray import __version__
from airis_ray.cache import CacheStore
from airis_ray.errors import AirisError, Unavailable
from airis_ray.settings import CacheSettings
from airis_ray.web import metrics
from airis_ray.web.auth import Principal
from airis_ray.web.middleware import route_template

_BODY_BYTES: Final = 64 * 1024  # of a request; what is longer is no query that comes twice
_KEPT_HEADERS: Final = frozenset({b"content-type", b"x-airis-cursor"})
_DIRECTIVE: Final = re.compile(r"\s*(no-cache|no-store|max-age)\s*(?:=\s*\"?(\d{1,9})\"?)?\s*", re.ASCII)


@dataclass(frozen=True)
class _Wish:
    """What the caller's ``Cache-Control`` asks for; ``oldest`` in seconds."""

    oldest: float = float("inf")
    keep: bool = True

    @classmethod
    def of(cls, scope: Scope) -> _Wish:
        oldest, keep = float("inf"), True
        for directive in _header(scope, b"cache-control").lower().split(","):
            match = _DIRECTIVE.fullmatch(directive)
            if match is None:
                continue
            keep = keep and match[1] != "no-store"
            oldest = min(oldest, float(match[2] or "inf") if match[1] == "max-age" else 0.0)
        return cls(oldest, keep)


class AnswerCache:
    """The middleware. ``clock`` measures what an answer costs, ``wall_clock`` its age; both in seconds."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        store: CacheStore,
        settings: CacheSettings,
        clock: Callable[[], float] = time.perf_counter,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._app = app
        self._store = store
        self._settings = settings
        self._clock = clock
        self._wall_clock = wall_clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        principal = scope.get("state", {}).get("principal")
        reads = scope["type"] == "http" and scope["method"] in ("GET", "POST")
        if not (reads and self._settings.answer_ttl and isinstance(principal, Principal)):
            await self._app(scope, receive, send)
            return
        wish = _Wish.of(scope)
        request = _Request(receive)
        await request.read()
        key = _key(scope, principal, request.body) if request.whole and wish.keep else None
        if key is not None and wish.oldest > 0:
            kept = await self._kept(key, principal, wish)
            if kept is not None:
                metrics.ANSWERS.labels("hit").inc()
                scope["route"] = SimpleNamespace(path_format=kept.route)  # for the log and the metrics
                await _answer(kept, send)
                return
        outcome = "miss" if key is not None and wish.oldest > 0 else "bypass"
        metrics.ANSWERS.labels(outcome).inc()
        answer = _Answer(send, self._clock, self._settings.answer_bytes, outcome)
        await self._app(scope, request.again, answer.send)
        if key is not None and answer.whole:
            await self._keep(key, principal, answer, route_template(scope))

    async def _kept(self, key: str, principal: Principal, wish: _Wish) -> _Kept | None:
        try:
            value = await self._store.get(key)
        except Unavailable:
            return None
        if value is None:
            return None
        head, _, body = value.partition(b"\n")
        fields = orjson.loads(head)
        age = max(0.0, self._wall_clock() - fields["at"])
        if fields["tenant"] != principal.tenant or age > wish.oldest:
            return None
        headers = [(name.encode("latin1"), text.encode("latin1")) for name, text in fields["headers"]]
        return _Kept(fields["route"], headers, body, age)

    async def _keep(self, key: str, principal: Principal, answer: _Answer, route: str | None) -> None:
        if answer.cost < self._settings.answer_from:
            return
        headers = [(name.decode("latin1"), text.decode("latin1")) for name, text in answer.headers]
        head = {
            "tenant": principal.tenant,
            "at": self._wall_clock(),
            "route": route or "",
            "headers": headers,
        }
        ttl = min(self._settings.answer_ttl, self._settings.answer_factor * answer.cost)
        try:
            await self._store.put(key, orjson.dumps(head) + b"\n" + answer.body, ttl)
        except Unavailable:  # the caller has his answer; /readyz tells the rest
            return


@dataclass(frozen=True)
class _Kept:
    route: str
    headers: list[tuple[bytes, bytes]]
    body: bytes
    age: float


class _Request:
    """A request's body, read ahead so that it can be part of a name, and handed on as it came."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._messages: list[Message] = []
        self._error: AirisError | None = None
        self.body = b""
        self.whole = False

    async def read(self) -> None:
        """Read up to the bound; ``whole`` tells whether that was all."""
        while not self.whole and len(self.body) <= _BODY_BYTES:
            try:
                message = await self._receive()
            except AirisError as error:  # a body over its limit; whoever reads it has to see that
                self._error = error
                return
            self._messages.append(message)
            if message["type"] != "http.request":
                return
            self.body += message.get("body", b"")
            self.whole = not message.get("more_body", False)

    async def again(self) -> Message:
        """The ``receive`` of the application."""
        if self._messages:
            return self._messages.pop(0)
        if self._error is not None:
            raise self._error
        return await self._receive()


@dataclass
class _Answer:
    """Passes an answer on and keeps a copy while that is small and a success."""

    forward: Send
    clock: Callable[[], float]
    limit: int
    outcome: str
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    whole: bool = False
    cost: float = 0.0

    def __post_init__(self) -> None:
        self._parts: list[bytes] = []
        self._room = -1  # bytes that may still come; below 0 nothing is copied
        self._began = self.clock()
        self._waited = 0.0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._room = self.limit if message["status"] == 200 else -1
            self.headers = [pair for pair in message.get("headers", ()) if pair[0].lower() in _KEPT_HEADERS]
            pair = (b"x-cache", self.outcome.encode())
            message = {**message, "headers": [*message.get("headers", ()), pair]}
        elif message["type"] == "http.response.body":
            self._copy(message)
        before = self.clock()
        await self.forward(message)
        self._waited += self.clock() - before  # for the caller, which is no cost of the answer

    def _copy(self, message: Message) -> None:
        part = message.get("body", b"")
        self._room -= len(part)
        if self._room < 0:
            self._parts.clear()
            return
        self._parts.append(bytes(part))
        if not message.get("more_body", False):
            self.body = b"".join(self._parts)
            self.cost = self.clock() - self._began - self._waited
            self.whole = True


async def _answer(kept: _Kept, send: Send) -> None:
    own = [
        (b"content-length", b"%d" % len(kept.body)),
        (b"age", b"%d" % kept.age),
        (b"x-cache", b"hit"),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": [*kept.headers, *own]})
    await send({"type": "http.response.body", "body": kept.body})


def _key(scope: Scope, principal: Principal, body: bytes) -> str:
    """The name of a request's answer: everything that decides what it is."""
    parts: tuple[Any, ...] = (
        __version__,
        principal.tenant,
        sorted(principal.scopes),
        scope["method"],
        scope["path"],
        scope.get("query_string", b""),
        _header(scope, b"accept"),
        _header(scope, b"content-type"),
        body,
    )
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=24).hexdigest()
    return f"answer:{principal.tenant}:{digest}"


def _header(scope: Scope, name: bytes) -> str:
    return ",".join(value.decode("latin1") for key, value in scope["headers"] if key == name)
