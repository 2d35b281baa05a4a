"""What a decoded payload is, and the limits that both implementations keep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from airis_ray.errors import InvalidInput, TooLarge
from airis_ray.telemetry.tables import Signal

MAX_REASONS: Final = 20
"""Reasons kept of one payload; the count of what was rejected goes on beyond them."""

MAX_DEPTH: Final = 32
"""Values inside values. Real telemetry stays under ten; protobuf's own parser ends at 100 messages."""

MAX_DECODED_BYTES: Final = 512 << 20
"""Bound of what one payload may become. Attributes of a resource are repeated in each of its rows, so that
without a bound 16 MiB of empty records under one large resource would become terabytes."""

ROW_BYTES: Final = 256
"""What a row counts against that bound, besides the columns that it takes from its resource and scope."""

MAX_NANOS: Final = (1 << 63) - 1
"""Latest instant of a timestamp in nanoseconds: 2262-04-11."""

MAX_SECONDS: Final = (1 << 32) - 1
"""Latest instant of ClickHouse's DateTime, which metrics are kept by: 2106-02-07."""

RECORDS_OF: Final[dict[Signal, tuple[str, str, str]]] = {
    "logs": ("resourceLogs", "scopeLogs", "logRecords"),
    "traces": ("resourceSpans", "scopeSpans", "spans"),
    "metrics": ("resourceMetrics", "scopeMetrics", "metrics"),
}
"""The three levels of a request, as JSON pointers name them."""


@dataclass(frozen=True)
class Rejected:
    """A record (or a resource, scope or metric with all its records) that was refused, and why.

    ``pointer`` is the JSON pointer (RFC 6901) that it has, or would have, in OTLP/JSON.
    """

    pointer: str
    reason: str


@dataclass(frozen=True)
class Decoded:
    """One payload as record batches with the schemas of :mod:`airis_ray.telemetry.tables`.

    ``tables`` holds the tables that got rows, and no others. ``rejected`` counts every record refused, and ``expired``
    those of them that are older than the retention, which the decoder does not know of; ``reasons`` tells of the first
    :data:`MAX_REASONS`.
    """

    tables: dict[str, pa.RecordBatch]
    accepted: int
    rejected: int
    reasons: tuple[Rejected, ...]
    expired: int = 0


class RecordError(Exception):
    """Internal: the message at hand cannot be accepted; ``str(error)`` is the reason."""


def unreadable(signal: Signal, reason: str, position: int) -> InvalidInput:
    """The error of a payload whose outermost message cannot be read."""
    return InvalidInput(f"the body is not an OTLP {signal} request: {reason} at byte {position}")


def too_large() -> TooLarge:
    """The error of a payload that would become more than :data:`MAX_DECODED_BYTES`."""
    return TooLarge(
        f"the request decodes to more than {MAX_DECODED_BYTES >> 20} MiB; send it in smaller ones"
    )
