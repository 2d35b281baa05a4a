"""The guard as ASGI middleware: what every HTTP request passes, in every application."""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Collection
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as AsgiScope

from airis_ray.errors import AirisError, Bug, Refused, TooLarge
from airis_ray.web.arrival import bounded
from airis_ray.web.auth import SELF_TENANT, Guard, Observer, OverLimit, Principal, check_browser, is_loopback
from airis_ray.web.logs import CURRENT, PROBES, Exchange
from airis_ray.web.problems import Render
from airis_ray.web.sessions import session_credentials

_ACCESS = logging.getLogger("airis.access")
_ERRORS = logging.getLogger("airis.errors")
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:/+=-]{1,128}")


class GuardMiddleware:
    """Request id, authentication, limits, access log and the last line against unhandled exceptions.

    Default is to deny: a path not in ``public`` needs a valid key, also where no route answers it.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        guard: Guard,
        service: str,
        public: Collection[str],
        limit: str,
        render: Render,
        max_body: int,
    ) -> None:
        self._app = app
        self._guard = guard
        self._service = service
        self._public = frozenset(public)
        self._limit = limit
        self._render = render
        self._max_body = max_body

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": "no WebSocket here"})
        else:
            await self._app(scope, receive, send)

    async def _http(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        headers = _headers(scope)
        exchange = self._exchange(scope, headers)
        answer = _Answer(send, exchange)
        if self._guard.answers_request_id:
            answer.extra.append((b"x-request-id", exchange.request_id.encode()))
        token = CURRENT.set(exchange)
        refused: AirisError | None = None
        try:
            await self._let_in(scope, headers, exchange, answer)
        except AirisError as error:
            refused = error
        except Exception as error:
            refused = _unexpected(error)
        observer = self._guard.observer
        begun = observer.begin(exchange) if observer is not None else None
        try:
            if refused is None:
                await self._app(scope, bounded(receive, self._max_body), answer.send)
            else:
                await self._render(scope, refused)(scope, receive, answer.send)
        except ClientDisconnect:
            exchange.status = exchange.status or 499
        except Exception as error:
            failure = _unexpected(error)
            if answer.started:
                raise
            await self._render(scope, failure)(scope, receive, answer.send)
        finally:
            self._finish(scope, exchange, observer, begun)
            CURRENT.reset(token)

    def _exchange(self, scope: AsgiScope, headers: dict[bytes, bytes]) -> Exchange:
        sent_id = headers.get(b"x-request-id", b"")
        request_id = sent_id.decode() if _REQUEST_ID.fullmatch(sent_id) else secrets.token_hex(16)
        client = scope.get("client")
        exchange = Exchange(
            service=self._service,
            method=scope["method"],
            path=scope["path"],
            request_id=request_id,
            started_ns=time.time_ns(),
            peer=client[0] if client else "",
            traceparent=headers.get(b"traceparent", b"").decode("latin1"),
        )
        length = headers.get(b"content-length", b"")
        exchange.bytes_in = int(length) if length.isdigit() else 0
        exchange.seconds = time.perf_counter()
        scope.setdefault("state", {})["request_id"] = request_id
        return exchange

    async def _let_in(
        self, scope: AsgiScope, headers: dict[bytes, bytes], exchange: Exchange, answer: _Answer
    ) -> None:
        """Authenticate and count the request; raises what keeps it out."""
        path = exchange.path.removeprefix(scope.get("root_path", "")) or "/"
        if path in self._public:
            return
        authorization = headers.get(b"authorization")
        if authorization is None and self._limit != "ingest" and not self._guard.disabled:
            authorization = session_credentials(scope["method"], headers)
        principal = await self._guard.authenticate(
            None if authorization is None else authorization.decode("latin1"), _peer(exchange, headers)
        )
        if self._guard.disabled:
            check_browser(headers)
        self._known(scope, exchange, principal)
        try:
            allowance = await self._guard.admit(principal, self._limit)
        except OverLimit as error:
            answer.extra += error.allowance.headers()
            raise
        answer.extra += allowance.headers()
        if exchange.bytes_in > self._max_body:
            raise TooLarge(f"the body has {exchange.bytes_in} bytes; at most {self._max_body} are taken")

    @staticmethod
    def _known(scope: AsgiScope, exchange: Exchange, principal: Principal) -> None:
        scope["state"]["principal"] = principal
        exchange.tenant = principal.tenant
        exchange.key_id = principal.key_id

    def _finish(self, scope: AsgiScope, exchange: Exchange, observer: Observer | None, begun: Any) -> None:
        exchange.seconds = time.perf_counter() - exchange.seconds
        exchange.route = _route(scope)
        if observer is not None:
            observer.end(exchange, begun)
        # Ingest and probes come in thousands: their successes are told at debug level alone.
        quiet = exchange.status < 400 and (
            self._limit == "ingest" or exchange.tenant == SELF_TENANT or exchange.path in PROBES
        )
        _ACCESS.log(
            logging.DEBUG if quiet else logging.INFO,
            "request",
            extra={
                "method": exchange.method,
                "path": exchange.path,
                "status": exchange.status,
                "ms": round(exchange.seconds * 1e3, 2),
                "bytes_in": exchange.bytes_in,
                "bytes_out": exchange.bytes_out,
                "key_id": exchange.key_id,
                "peer": exchange.peer,
            },
        )


class _Answer:
    """The way out: adds the headers that every answer carries and notes status and size."""

    def __init__(self, send: Send, exchange: Exchange) -> None:
        self._send = send
        self._exchange = exchange
        self.started = False
        self.extra: list[tuple[bytes, bytes]] = []

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            self._exchange.status = message["status"]
            message["headers"] = [*message.get("headers", ()), *self.extra]
        elif message["type"] == "http.response.body":
            self._exchange.bytes_out += len(message.get("body", b""))
        await self._send(message)


def route_template(scope: AsgiScope) -> str | None:
    """The template of the route that answered, without the application's prefix; None where none did."""
    route = scope.get("fastapi", {}).get("effective_route_context") or scope.get("route")
    return None if route is None else str(getattr(route, "path_format", ""))


def _route(scope: AsgiScope) -> str:
    """The template of the route that answered, with all its prefixes; '' where none did."""
    template = route_template(scope)
    return "" if template is None else f"{scope.get('root_path', '')}{template}"


def _headers(scope: AsgiScope) -> dict[bytes, bytes]:
    """The headers by lower-case name; of repeated ones the first, those of the way come joined."""
    headers: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        if name not in headers:
            headers[name] = value
        elif name == b"x-forwarded-for":
            headers[name] += b"," + value
    return headers


def _peer(exchange: Exchange, headers: dict[bytes, bytes]) -> str:
    """The address that counts where only this machine's own callers are let in.

    A forwarding header never makes a caller local; it may show that one is not: a proxy on this machine.
    """
    forwarded = headers.get(b"x-forwarded-for")
    if forwarded is None:
        return exchange.peer
    hops = [hop.strip() for hop in forwarded.decode("latin1").split(",") if hop.strip()]
    return next((hop for hop in [exchange.peer, *hops] if not is_loopback(hop)), exchange.peer)


def _unexpected(error: Exception) -> AirisError:
    """Log an exception that nobody handled; the caller learns its request's id and no more."""
    if isinstance(error, Refused):
        return error
    _ERRORS.error("unhandled exception", exc_info=error)
    return error if isinstance(error, Bug) else Bug(repr(error))
