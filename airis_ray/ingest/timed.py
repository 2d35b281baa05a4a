"""Whether two requests of the same bytes are one that was sent twice."""

from __future__ import annotations

import pyarrow.compute as pc

from airis_ray.telemetry.otlp import Decoded, decode
from airis_ray.telemetry.tables import Signal


def all_timed(signal: Signal, decoded: Decoded, body: bytes, received_ns: int) -> bool:
    """Whether every record accepted has a time of its own, and none the time of its arrival.

    Requests of records without times may be alike and yet two.
    """
    if signal != "metrics":
        return not _has_time(decoded, "Timestamp", received_ns)
    # Points are kept by the second, and many are of the second in which they arrive: those are decoded once more.
    if not _has_time(decoded, "TimeUnix", received_ns // 1_000_000_000):
        return True
    return not _has_time(decode(signal, body, tenant="", received_ns=0), "TimeUnix", 0)


def _has_time(decoded: Decoded, column: str, value: int) -> bool:
    for batch in decoded.tables.values():
        times = batch.column(column).view("int64")
        if pc.any(pc.equal(times, value)).as_py():
            return True
    return False
