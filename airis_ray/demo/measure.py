"""What is measured of a block's spans."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from airis_ray.demo import failures as failing
from airis_ray.demo.failures import works
from airis_ray.demo.model import CONSUMER, SERVER
from airis_ray.demo.simulate import Spans
from airis_ray.demo.wire import Attribute, Ints
from airis_ray.demo.world.operations import OPERATIONS

CODES: Final = sorted({failure.http for failure in failing.TABLE})
"""The HTTP status codes of the shop."""
_CODE: Final = np.array([CODES.index(failure.http) for failure in failing.TABLE])


def _measured() -> dict[str, dict[str, Attribute]]:
    """The attributes of the metric's series by the key of operation or database work."""
    out: dict[str, dict[str, Attribute]] = {}
    for key, operation in OPERATIONS.items():
        if operation.kind == SERVER:
            http = {"http.request.method": "POST", "http.route": f"/{operation.span}"}
            out[key] = {name: operation.attributes.get(name, value) for name, value in http.items()}
        elif operation.kind == CONSUMER:
            group = "messaging.consumer.group.name"
            out[key] = {"messaging.destination.name": "orders", group: operation.attributes[group]}
        for work in works(operation.steps):
            if "db.system" in work.attributes:
                out[work.key] = {name: work.attributes[name] for name in ("db.system", "db.operation.name")}
    return out


NODES: Final = _measured()
KEYS: Final = list(NODES)
_PLACE: Final = {key: number for number, key in enumerate(KEYS)}


def numbered(*, kind: int | None = None, database: bool = False) -> npt.NDArray[np.bool_]:
    """Which of ``KEYS`` are operations of ``kind``, or database work."""
    chosen = [("db.system" in NODES[key]) if database else _kind(key) == kind for key in KEYS]
    return np.array(chosen)


def _kind(key: str) -> int | None:
    return OPERATIONS[key].kind if key in OPERATIONS else None


@dataclass(frozen=True)
class Observations:
    """Measured spans, one row each; ``node`` is a place in ``KEYS``, ``code`` one in ``CODES``."""

    node: Ints
    pod: Ints
    slot: Ints
    code: Ints
    start: Ints
    end: Ints
    failed: npt.NDArray[np.bool_]
    user: Ints
    method: Ints
    span: npt.NDArray[np.uint64]
    trace: npt.NDArray[np.uint8]

    def of(self, keep: npt.NDArray[np.bool_]) -> Observations:
        """Some of the observations."""
        return Observations(*(getattr(self, item.name)[keep] for item in fields(self)))

    @staticmethod
    def concat(parts: list[Observations]) -> Observations:
        """All of ``parts``; there must be one."""
        names = [item.name for item in fields(Observations)]
        return Observations(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    @staticmethod
    def collect(found: list[Spans]) -> Observations:
        """The measured ones of a block's spans."""
        parts = [_observed(spans) for spans in found if spans.kind.key in _PLACE]
        return Observations.concat([_nothing(), *parts])


def _observed(spans: Spans) -> Observations:
    requests, rows = spans.requests, spans.rows
    return Observations(
        node=np.full(len(rows), _PLACE[spans.kind.key]),
        pod=spans.pod,
        slot=spans.slot,
        code=_CODE[spans.failure],
        start=spans.start,
        end=spans.end,
        failed=spans.failure > 0,
        user=requests.user[rows],
        method=requests.method[rows],
        span=spans.span,
        trace=requests.trace[rows],
    )


def _nothing() -> Observations:
    none: Any = np.zeros(0, np.int64)
    shapes: dict[str, Any] = {
        "failed": np.zeros(0, bool),
        "span": np.zeros(0, np.uint64),
        "trace": np.zeros((0, 16), np.uint8),
    }
    return Observations(**{item.name: shapes.get(item.name, none) for item in fields(Observations)})
