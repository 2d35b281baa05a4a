"""The rows of the two tables: ``airis_replay_blocks`` (each chunk) and ``airis_replay_sessions`` (each summary)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import orjson
import pyarrow as pa

from airis_ray.replay.chunks import Chunk
from airis_ray.replay.marks import Facts
from airis_ray.replay.summary import Block, Summary
from airis_ray.store.protocol import Query, Store

BLOCKS: Final = "airis_replay_blocks"
SESSIONS: Final = "airis_replay_sessions"

_MS: Final = pa.timestamp("ms", tz="UTC")
_HOUR_MS: Final = 3_600_000
_SAID: Final = ("user", "url", "user_agent", "service", "release", "reason")

_BLOCK: Final = pa.schema(
    {
        "Tenant": pa.string(),
        "Session": pa.string(),
        "Form": pa.string(),
        "Tab": pa.string(),
        "First": pa.uint32(),
        "Last": pa.uint32(),
        "Digest": pa.string(),
        "Start": _MS,
        "End": _MS,
        "Received": _MS,
        "Copies": pa.uint64(),
        "Events": pa.uint32(),
        "Size": pa.uint64(),
        "Stored": pa.uint64(),
        "Url": pa.string(),
        "Facts": pa.string(),
    }
)
_COUNTS: Final = (
    "pages", "clicks", "rage_clicks", "dead_clicks", "errors", "console_errors", "requests", "failed_requests",
    "events", "blocks", "tabs", "gaps", "duplicates",
)  # fmt: skip
_TEXTS: Final = ("user", "service", "release", "user_agent", "url_first")
_SESSION: Final = pa.schema(
    {
        "Tenant": pa.string(),
        "Hour": pa.timestamp("s", tz="UTC"),
        "id": pa.string(),
        "start": _MS,
        "end": _MS,
        "duration_ms": pa.uint64(),
        **dict.fromkeys(_TEXTS, pa.string()),
        "urls": pa.list_(pa.string()),
        "trace_ids": pa.list_(pa.string()),
        **dict.fromkeys(_COUNTS, pa.uint32()),
        "bytes": pa.uint64(),
        "stored_bytes": pa.uint64(),
        "Version": pa.uint64(),
        "Deleted": pa.uint8(),
    }
)

_READ: Final = f"""
    SELECT Session, Form, Tab, First, Last, Digest, any(Events) AS Events, any(Size) AS Size, any(Stored) AS Stored,
        any(Url) AS Url, sum(Copies) AS Copies, toUnixTimestamp64Milli(max(Received)) AS Came, any(Facts) AS Facts
    FROM {BLOCKS} WHERE Session IN {{sessions:Array(String)}}
    GROUP BY Session, Form, Tab, First, Last, Digest
"""


def block_row(tenant: str, chunk: Chunk, url: str, received_ms: int) -> pa.RecordBatch:
    """The row of a chunk that came once."""
    origin, facts = chunk.origin, chunk.facts
    said: dict[str, Any] = {name: text for name in _SAID if (text := getattr(origin, name))}
    if origin.attributes:
        said["attributes"] = dict(origin.attributes)
    row = {
        "Tenant": tenant,
        "Session": origin.session,
        "Form": origin.form,
        "Tab": origin.tab,
        "First": chunk.first,
        "Last": chunk.last,
        "Digest": chunk.digest,
        "Start": facts.start,
        "End": facts.end,
        "Received": received_ms,
        "Copies": 1,
        "Events": chunk.events,
        "Size": chunk.size,
        "Stored": len(chunk.block),
        "Url": url,
        "Facts": orjson.dumps({**vars(facts), "said": said}).decode(),
    }
    return pa.RecordBatch.from_pylist([row], schema=_BLOCK)


def block_of(row: Mapping[str, Any]) -> Block:
    """The block that a row tells of."""
    stated = orjson.loads(row["Facts"])
    said = stated.pop("said")
    stated["clicks"] = [tuple(click) for click in stated["clicks"]]
    return Block(
        form=row["Form"],
        tab=row["Tab"],
        first=row["First"],
        last=row["Last"],
        digest=row["Digest"],
        events=row["Events"],
        size=row["Size"],
        stored=row["Stored"],
        url=row["Url"],
        copies=row["Copies"],
        facts=Facts(**stated),
        received=row.get("Came", 0),
        page=said.pop("url", ""),
        **said,
    )


async def read_blocks(store: Store, tenant: str, sessions: Sequence[str]) -> dict[str, list[Block]]:
    """The blocks of sessions, by session; those of which there is none are missing."""
    found: dict[str, list[Block]] = {}
    query = Query(_READ, {"sessions": list(sessions)}, tenant)
    for row in (await store.query(query)).table.to_pylist():
        found.setdefault(row["Session"], []).append(block_of(row))
    return found


def session_rows(tenant: str, summaries: Iterable[tuple[str, Summary, Sequence[int]]]) -> pa.RecordBatch:
    """Rows of sessions: id, summary, and the other beginnings (ms) that fewer of its chunks would have given it."""
    rows: list[dict[str, Any]] = []
    for session, summary, others in summaries:
        hour = summary.start // _HOUR_MS
        row = {
            **summary.columns(),
            "Tenant": tenant,
            "Hour": hour * 3600,
            "id": session,
            "duration_ms": summary.end - summary.start,
            "Version": summary.copies,
            "Deleted": 0,
        }
        row.pop("copies")
        rows.append(row)
        hours = sorted({each // _HOUR_MS for each in others} - {hour})
        rows += [{**row, "Hour": other * 3600, "Deleted": 1} for other in hours]
    return pa.RecordBatch.from_pylist(rows, schema=_SESSION)
