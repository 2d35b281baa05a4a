"""What log templates may name in ``<angle brackets>``: one column of text for each."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from airis_ray.demo import failures as failing
from airis_ray.demo import wire
from airis_ray.demo.fleet import Fleet
from airis_ray.demo.traffic import Requests, Users
from airis_ray.demo.wire import Column, Ints
from airis_ray.demo.world import vocabulary as words
from airis_ray.demo.world.stacks import STACKS


class Vocabulary:
    """The texts that do not change during a run."""

    def __init__(self, users: Users, fleet: Fleet) -> None:
        self.users = users
        self.user = _pool([f"user-{number:05d}" for number in range(words.USERS)])
        self.country = _pool([country for country, _ in words.COUNTRIES])
        self.browser = _pool(words.BROWSERS)
        self.product = _pool(words.PRODUCTS)
        self.method = _pool(words.METHODS)
        self.reason = _pool(words.REASONS)
        self.city = _pool(words.CITIES)
        self.query = _pool(words.QUERIES)
        self.error = _pool([failure.message for failure in failing.TABLE])
        self.errortype = _pool([failure.type for failure in failing.TABLE])
        self.stack = _pool([failure.stack for failure in failing.TABLE])
        self.digits = _pool([str(number) for number in range(1000)])
        self.address = _pool([f"10.{24 + n // 250}.{n % 16}.{n % 250 + 4}" for n in range(1000)])


class Written:
    """Log records about to be written with one template: where and when each one is.

    ``rows`` are rows of ``requests``; ``noise`` is a uniform 64-bit number for each record.
    """

    def __init__(
        self,
        words: Vocabulary,
        requests: Requests,
        rows: Ints,
        failure: npt.NDArray[np.int16],
        took: Ints,
        noise: npt.NDArray[np.uint64],
    ) -> None:
        self._words, self._requests, self._rows = words, requests, rows
        self._failure, self._took, self._noise = failure, took, noise

    def column(self, name: str) -> Column:
        """The text of a variable; raises KeyError for an unknown one."""
        return VARIABLES[name](self)

    def _request(self, name: str) -> npt.NDArray[Any]:
        values: npt.NDArray[Any] = getattr(self._requests, name)
        return values[self._rows]

    def _named(self, name: str) -> Column:
        return wire.take(getattr(self._words, name), self._request(name))

    def _failed(self, name: str) -> Column:
        return wire.take(getattr(self._words, name), self._failure)

    @cached_property
    def _small(self) -> npt.NDArray[np.int64]:
        return (self._noise >> np.uint64(8)).astype(np.int64) & 0xFFFFF

    def _digits(self, low: int, high: int) -> Column:
        return wire.take(self._words.digits, low + self._small % (high - low))

    def _hex(self, prefix: bytes, values: npt.NDArray[np.uint64]) -> Column:
        raw = np.ascontiguousarray(values.astype(">u8")).view(np.uint8).reshape(-1, 8)[:, 3:]
        return wire.join(wire.scalar(prefix), wire.hexadecimal(raw))


VARIABLES: Final[dict[str, Callable[[Written], Column]]] = {
    "user": lambda at: at._named("user"),
    "browser": lambda at: at._named("browser"),
    "product": lambda at: at._named("product"),
    "method": lambda at: at._named("method"),
    "reason": lambda at: at._named("reason"),
    "country": lambda at: wire.take(at._words.country, at._words.users.country[at._request("user")]),
    "city": lambda at: wire.take(at._words.city, at._request("user") % len(words.CITIES)),
    "query": lambda at: wire.take(at._words.query, at._request("product") % len(words.QUERIES)),
    "order": lambda at: at._hex(b"ord-", at._request("order")),
    "txid": lambda at: at._hex(b"", at._noise),
    "amount": lambda at: wire.text(at._request("amount")),
    "items": lambda at: wire.take(at._words.digits, at._request("items")),
    "partition": lambda at: wire.take(at._words.digits, (at._request("order") % 3).astype(np.int8)),
    "offset": lambda at: wire.text(at._request("time") // 40_000_000_000),
    "ip": lambda at: wire.take(at._words.address, at._request("user") % 1000),
    "error": lambda at: at._failed("error"),
    "errortype": lambda at: at._failed("errortype"),
    "stack": lambda at: at._failed("stack"),
    "dotnet": lambda at: wire.take(_pool([STACKS["accounting"]]), np.zeros(len(at._rows), np.int8)),
    "ms": lambda at: wire.text(at._took // 1_000_000),
    "us": lambda at: wire.text(at._took // 1000),
    "n": lambda at: at._digits(10, 500),
    "small": lambda at: at._digits(1, 9),
    "size": lambda at: wire.text(800 + at._small % 60_000),
}


def _pool(texts: Any) -> Column:
    return wire.pool([text.encode() for text in texts])
