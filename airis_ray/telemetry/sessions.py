"""Browser sessions: recordings arrive as log records and have a table of their own.

The rule is that of HyperDX's collector: a record with the attribute ``rr-web.event`` is a part of a recording.
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from airis_ray.telemetry.tables import SESSIONS

LOGS_TABLE: Final = "otel_logs"
SESSIONS_TABLE: Final = "hyperdx_sessions"

_MARK: Final = pa.scalar("rr-web.event")


def route_sessions(tables: dict[str, pa.RecordBatch]) -> dict[str, pa.RecordBatch]:
    """``tables`` with the records of recordings moved from the logs' table to the sessions'.

    The same object where there are none, as in most requests: finding that out takes 6 µs, and 70 µs for 10,000
    records. A table without rows is left out.
    """
    logs = tables.get(LOGS_TABLE)
    if logs is None:
        return tables
    attributes = logs.column("LogAttributes")
    # All keys at once; which records they belong to matters only where one is the mark.
    if not pc.any(pc.equal(attributes.keys, _MARK)).as_py():
        return tables
    recorded = pc.is_valid(pc.map_lookup(attributes, _MARK, "first"))
    sessions = logs.select(SESSIONS.names).filter(recorded)
    rest = logs.filter(pc.invert(recorded))
    routed = {**tables, LOGS_TABLE: rest, SESSIONS_TABLE: sessions}
    return {table: batch for table, batch in routed.items() if batch.num_rows}
