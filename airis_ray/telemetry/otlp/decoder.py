"""The entry to the decoder, and the choice of the implementation."""

from __future__ import annotations

from typing import Final, Literal

from airis_ray.telemetry.otlp import fallback
from airis_ray.telemetry.otlp.result import Decoded
from airis_ray.telemetry.tables import Signal

IMPLEMENTATION: Final[Literal["c", "python"]] = "python"
"""Which implementation :func:`decode` uses."""


def decode(signal: Signal, payload: bytes, *, tenant: str, received_ns: int = 0) -> Decoded:
    """Decode an OTLP ``Export…ServiceRequest`` in protobuf.

    ``tenant`` becomes the resource attribute ``airis.tenant`` of every row; what the sender put there is
    dropped. ``received_ns`` (nanoseconds since 1970) is the time of rows that carry none.

    Raises InvalidInput if the outermost message cannot be read, TooLarge if the rows would take too much
    memory. Whatever is wrong further inside rejects that record, or that resource, scope or metric, and
    nothing beside it. Safe to call from many threads; the compiled implementation frees the GIL.
    """
    return fallback.decode(signal, payload, tenant, received_ns)
