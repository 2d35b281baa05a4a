"""Simulated spans as OTLP bytes."""

from __future__ import annotations

from typing import Any

import numpy as np

from airis_ray.demo import failures as failing
from airis_ray.demo import wire
from airis_ray.demo.effects import Effects
from airis_ray.demo.model import CONSUMER, SERVER
from airis_ray.demo.rows import Rows
from airis_ray.demo.simulate import Kind, Spans
from airis_ray.demo.traffic import Users
from airis_ray.demo.wire import Column, Ints
from airis_ray.demo.world import vocabulary as words

_ATTRIBUTES = 9
_EVENTS = 11
_LINKS = 13
_STATUS = 15
_FRAME = wire.tag(2, 2)
_CARTS = frozenset({"cart/GetCart", "cart/AddItem", "cart/EmptyCart", "checkout/PlaceOrder"})
_METHODS = frozenset({"checkout/PlaceOrder", "payment/Charge"})


class SpanEncoder:
    """Encodes the spans of one world; its vocabularies are encoded once."""

    def __init__(self, users: Users, effects: Effects, sessions: list[str]) -> None:
        self._effects, self._sessions = effects, sessions
        self._fixed: dict[Kind, tuple[Any, Any]] = {}
        self._user = wire.pool([_user(users, number) for number in range(words.USERS)])
        self._browser = _strings("user_agent.name", words.BROWSERS)
        self._method = _strings("app.payment.method", words.METHODS)
        self._product = _strings("url.path", [f"/product/{product}" for product in words.PRODUCTS])
        self._items = wire.pool([wire.attribute(_ATTRIBUTES, "app.cart.items", n) for n in range(64)])
        self._hit = wire.pool([wire.attribute(_ATTRIBUTES, "cache.hit", hit) for hit in (False, True)])
        self._partition = _strings("messaging.destination.partition.id", ["0", "1", "2"])
        self._http = wire.pool(
            [wire.attribute(_ATTRIBUTES, "http.response.status_code", item.http) for item in failing.TABLE]
        )
        self._error = wire.pool([_error_type(number) for number in range(len(failing.TABLE))])
        self._status = wire.pool([_status(number) for number in range(len(failing.TABLE))])
        self._exception = wire.pool([_exception(number) for number in range(len(failing.TABLE))])

    def encode(self, spans: Spans) -> Rows:
        """The spans, framed as ``ScopeSpans.spans``."""
        before, after = self._constants(spans.kind)
        parts: list[Any] = [
            wire.scalar(wire.tag(1, 2) + b"\x10"),
            wire.fixed(spans.requests.trace[spans.rows]),
            wire.scalar(wire.tag(2, 2) + b"\x08"),
            wire.fixed(spans.span),
        ]
        if not spans.kind.root:
            parts += [wire.scalar(wire.tag(4, 2) + b"\x08"), wire.fixed(spans.parent)]
        parts += [
            wire.scalar(before + wire.tag(7, 1)),
            wire.fixed(spans.start),
            wire.scalar(wire.tag(8, 1)),
            wire.fixed(spans.end),
            after,
            *self._details(spans),
        ]
        if spans.failure.any():
            parts += self._failures(spans)
        return Rows(wire.delimited(_FRAME, wire.join(*parts)), spans.pod, spans.end)

    def _constants(self, kind: Kind) -> tuple[bytes, Any]:
        if kind not in self._fixed:
            before = wire.field(5, kind.name) + wire.tag(6, 0) + wire.varint(kind.kind)
            after = wire.scalar(wire.attributes(_ATTRIBUTES, dict(kind.attributes)))
            self._fixed[kind] = (before, after)
        return self._fixed[kind]

    def _details(self, spans: Spans) -> list[Column]:
        requests, rows, key = spans.requests, spans.rows, spans.kind.key
        out = []
        if spans.kind.kind == SERVER:
            out.append(wire.take(self._user, requests.user[rows]))
        if spans.kind.root:
            out += [
                wire.take(self._browser, requests.browser[rows]),
                wire.take(self._http, spans.failure),
                self._path(spans),
            ]
            if (requests.visitor[rows] >= 0).any():
                out.append(self._session(requests.visitor[rows]))
        if key in _METHODS:
            out.append(wire.take(self._method, requests.method[rows]))
        if key in _CARTS:
            out.append(wire.take(self._items, requests.items[rows]))
        if key == "checkout/PlaceOrder":
            out.append(wire.int_attributes(_ATTRIBUTES, "app.order.amount", requests.amount[rows]))
        if key == "cart/redis-get":
            hit = self._effects.cache_hits(spans.span, spans.start)
            out.append(wire.take(self._hit, hit.astype(np.int8)))
        if spans.kind.kind == CONSUMER:
            out += [wire.take(self._partition, (requests.order[rows] % 3).astype(np.int8)), _link(spans)]
        return out

    def _path(self, spans: Spans) -> Any:
        route = dict(spans.kind.attributes)["http.route"]
        if route == "/product/{id}":
            return wire.take(self._product, spans.requests.product[spans.rows])
        return wire.scalar(wire.attribute(_ATTRIBUTES, "url.path", route))

    def _session(self, visitor: Ints) -> Column:
        """``session.id`` where the request is of a recorded session."""
        known, place = np.unique(visitor, return_inverse=True)
        names = [
            b"" if n < 0 else wire.attribute(_ATTRIBUTES, "session.id", self._sessions[n]) for n in known
        ]
        return wire.take(wire.pool(names), place)

    def _failures(self, spans: Spans) -> list[Column]:
        out = [wire.take(self._error, spans.failure), wire.take(self._status, spans.failure)]
        raised = spans.own & (spans.failure > 0)
        if raised.any():
            # An exception event: its time, then what the failure's number says.
            time = spans.end - np.minimum((spans.end - spans.start) // 8, 400_000)
            rest = wire.take(self._exception, spans.failure)
            event = wire.delimited(
                wire.tag(_EVENTS, 2), wire.join(wire.scalar(wire.tag(1, 1)), wire.fixed(time), rest)
            )
            out.append(wire.where(raised & (wire.sizes(rest) > 0), event))
        return out


def _strings(key: str, values: Any) -> Column:
    return wire.pool([wire.attribute(_ATTRIBUTES, key, value) for value in values])


def _user(users: Users, number: int) -> bytes:
    return wire.attributes(
        _ATTRIBUTES,
        {
            "app.user.id": user_name(number),
            "app.user.tier": words.TIERS[users.tier[number]][0],
            "app.country": words.COUNTRIES[users.country[number]][0],
            "app.feature_flag": words.FLAGS[users.flag[number]][0],
        },
    )


def user_name(number: int) -> str:
    """A user's id."""
    return f"user-{number:05d}"


def _link(spans: Spans) -> Column:
    inner = wire.join(
        wire.scalar(wire.tag(1, 2) + b"\x10"),
        wire.fixed(spans.requests.trace[spans.rows]),
        wire.scalar(wire.tag(2, 2) + b"\x08"),
        wire.fixed(spans.parent),
    )
    return wire.delimited(wire.tag(_LINKS, 2), inner)


def _error_type(number: int) -> bytes:
    if number == 0 or failing.SOFT[number]:
        return b""
    return wire.attribute(_ATTRIBUTES, "error.type", failing.TABLE[number].type)


def _status(number: int) -> bytes:
    if number == 0 or failing.SOFT[number]:
        return b""
    message = wire.field(2, failing.TABLE[number].message)
    return wire.field(_STATUS, message + wire.tag(3, 0) + wire.varint(2))


def _exception(number: int) -> bytes:
    failure = failing.TABLE[number]
    if number == 0 or failure.soft:
        return b""
    described: dict[str, wire.Attribute] = {
        "exception.type": failure.exception or failure.type,
        "exception.message": failure.message,
    }
    if failure.stack:
        described["exception.stacktrace"] = failure.stack
    return wire.field(2, "exception") + wire.attributes(3, described)
