"""The list of sessions: search syntax over their summaries, newest first, page by page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import orjson

from airis_ray.analytics.compile import compile_filter
from airis_ray.analytics.fields import resolve
from airis_ray.analytics.nodes import Everything, Node, Text, leaves
from airis_ray.analytics.signals import Kind, source_of
from airis_ray.analytics.sql import TRUE, Sql, all_of, bind, sql, text, time
from airis_ray.analytics.syntax import parse
from airis_ray.errors import InvalidInput
from airis_ray.store.protocol import Query, Store
from airis_ray.telemetry.times import SECOND, TimeRange, format_time

SIGNAL: Final = "replays"
_SEARCH_SECONDS: Final = 300
"""For a look at every chunk that a tenant has."""
_LAST_DATETIME: Final = 2**32 - 1
_COLUMNS: Final = (
    "id", "duration_ms", "user", "service", "release", "user_agent", "url_first", "urls", "trace_ids", "pages",
    "clicks", "rage_clicks", "dead_clicks", "errors", "console_errors", "requests", "failed_requests", "events",
    "bytes", "stored_bytes", "tabs", "gaps", "duplicates",
)  # fmt: skip
_SELECT: Final = Sql(
    "toUnixTimestamp64Milli(start) AS started, toUnixTimestamp64Milli(end) AS ended, blocks AS block_count, "
    + ", ".join(
        f"toString({name}) AS {name}" if name in ("service", "release", "user_agent") else name
        for name in _COLUMNS
    )
)


@dataclass(frozen=True)
class Wanted:
    """Sessions that begin within ``period`` and match ``query``; ``after``: (start in ms, id) where a page ended."""

    period: TimeRange
    query: str = ""
    limit: int = 100
    after: tuple[int, str] | None = None


async def sessions(store: Store, tenant: str, wanted: Wanted, now_ns: int) -> list[dict[str, Any]]:
    """Their summaries as the API tells them, and ``started``, the start in milliseconds.

    Raises InvalidInput for a query that names what no summary has.
    """
    node = parse(wanted.query, pointer="/query")
    _check(node)
    after = TRUE
    if wanted.after is not None:
        after = sql(
            "(start, id) < (fromUnixTimestamp64Milli({}, 'UTC'), {})",
            bind(wanted.after[0], "Int64"),
            text(wanted.after[1]),
        )
    # The page's keys first: what a filter does not read is then read of a hundred rows and not of all.
    statement = sql(
        "SELECT {} FROM airis_replay_sessions WHERE (Hour, id) IN (SELECT Hour, id FROM airis_replay_sessions "
        "WHERE {} AND {} AND {} ORDER BY airis_replay_sessions.start DESC, id DESC LIMIT {}) "
        "ORDER BY airis_replay_sessions.start DESC, id DESC",
        _SELECT,
        _within(wanted.period),
        compile_filter(node, SIGNAL, now_ns=now_ns),
        after,
        bind(wanted.limit, "UInt64"),
    )
    query = Query(statement.text, statement.parameters, tenant, settings={"final": 1})
    return [_told(row) for row in (await store.query(query)).table.to_pylist()]


async def sessions_of_user(store: Store, tenant: str, user: str) -> list[str]:
    """The ids of every session of which any chunk names this user: a visitor may log in in the middle of one."""
    statement = """
        SELECT DISTINCT Session FROM airis_replay_blocks
        WHERE position(Facts, {said:String}) > 0 AND JSONExtractString(Facts, 'said', 'user') = {user:String}
    """
    # As JSON has it: looking for it comes before reading the JSON of every chunk.
    parameters = {"user": user, "said": orjson.dumps(user).decode()}
    query = Query(statement, parameters, tenant, settings={"max_execution_time": _SEARCH_SECONDS})
    return [str(each) for each in (await store.query(query)).table["Session"].to_pylist()]


def _within(period: TimeRange) -> Sql:
    """The beginning lies in the period, said of the key's hour as well."""
    hours = [
        bind(min(max(0, at // SECOND // 3600 * 3600), _LAST_DATETIME), "UInt32")
        for at in (period.start_ns, period.end_ns)
    ]
    return all_of(
        [
            sql("Hour >= toDateTime({}, 'UTC') AND Hour <= toDateTime({}, 'UTC')", *hours),
            sql("start >= {} AND start < {}", time(period.start_ns), time(period.end_ns)),
        ]
    )


def _check(node: Node) -> None:
    for leaf in leaves(node):
        if isinstance(leaf, Text | Everything):
            continue
        if resolve(leaf.field, SIGNAL).kind is Kind.ATTRIBUTE:
            known = ", ".join(source_of(SIGNAL).columns)
            raise InvalidInput.field("/query", f"sessions have no field {leaf.field!r}; known: {known}")


def _told(row: dict[str, Any]) -> dict[str, Any]:
    ended = row.pop("ended")
    return {
        **row,
        "started_at": format_time(row["started"] * 1_000_000),
        "ended_at": format_time(ended * 1_000_000),
    }
