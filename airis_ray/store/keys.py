"""Attribute keys that have a column of their own.

A filter on a key of a map reads the whole map; the same filter on a column that ClickHouse computed at insert
reads 57 times less (measured over 10 M rows). The keys here are those that people filter and group by most:
the semantic conventions' and the demo's, under the names before and after their renaming. An operator adds
more with :func:`add_hot_key`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from clickhouse_connect.driver.binding import quote_identifier

from airis_ray.errors import InvalidInput
from airis_ray.store.layout import layout_of
from airis_ray.store.protocol import Query, Store

HotKeys = Mapping[str, Collection[str]]
"""Table → the attribute keys that have a column in it."""

ATTRIBUTE_MAPS: Final[Mapping[str, tuple[str, str]]] = {
    "otel_logs": ("LogAttributes", "ResourceAttributes"),
    "otel_traces": ("SpanAttributes", "ResourceAttributes"),
    "hyperdx_sessions": ("LogAttributes", "ResourceAttributes"),
}
"""Table → the maps that an attribute is looked up in, the record's own first."""

_RESOURCE: Final = (
    "service.version",
    "version",
    "deployment.environment.name",
    "deployment.environment",
    "env",
    "k8s.namespace.name",
    "k8s.deployment.name",
    "k8s.pod.name",
    "pod",
    "k8s.node.name",
    "node",
    "cloud.region",
)

_SPAN: Final = (
    "http.request.method",
    "http.method",
    "http.route",
    "http.response.status_code",
    "http.status_code",
    "url.path",
    "http.target",
    "user_agent.name",
    "rpc.method",
    "db.system",
    "db.system.name",
    "messaging.destination.name",
    "messaging.destination",
    "error.type",
    "app.user.id",
    "app.user.tier",
    "app.payment.method",
    "app.country",
    "app.feature_flag",
)

_LOG: Final = ("exception.type", "error.type")

HOT_KEYS: Final[HotKeys] = {"otel_logs": (*_RESOURCE, *_LOG), "otel_traces": (*_RESOURCE, *_SPAN)}
"""The keys that the migrations give a column. Whatever name stands for one of them (its counterpart in the other
semantic convention, its short name) is here too: a filter on a field is fast only if all of its names are."""

_KEY_LENGTH: Final = 200

# ClickHouse takes `a.b` for a part of a nested `a` and refuses one beside the other; brackets keep the keys
# http.method and http.method.original, or messaging.destination and messaging.destination.name, apart.
_PREFIX: Final = "__attribute["
_SUFFIX: Final = "]"


def materialized_column(key: str) -> str:
    """The name of the column of a key: unquoted, one to one with the key."""
    return f"{_PREFIX}{key}{_SUFFIX}"


def column_for(table: str, key: str, hot: HotKeys = HOT_KEYS) -> str | None:
    """The materialized column of a key, unquoted; None where the key has to be read from the maps.

    The column holds what the record's own attributes have under the key or, where that is missing or empty, what
    those of its resource have; the empty string where neither has any. ``hot`` is what :func:`hot_keys` read, where
    the operator's own keys are wanted too.
    """
    return materialized_column(key) if key in hot.get(table, ()) else None


async def hot_keys(store: Store) -> dict[str, frozenset[str]]:
    """The keys that have a column now, those of the migrations and the operator's."""
    sql = """
        SELECT table, name FROM system.columns
        WHERE database = currentDatabase() AND table IN {tables:Array(String)} AND default_kind = 'MATERIALIZED'
            AND startsWith(name, {prefix:String})
    """
    query = Query(sql, {"tables": list(ATTRIBUTE_MAPS), "prefix": _PREFIX})
    found: dict[str, set[str]] = {table: set() for table in ATTRIBUTE_MAPS}
    for row in (await store.query(query)).table.to_pylist():
        found[row["table"]].add(row["name"].removeprefix(_PREFIX).removesuffix(_SUFFIX))
    return {table: frozenset(keys) for table, keys in found.items()}


async def add_hot_key(store: Store, table: str, key: str) -> str:
    """Give a key a column of its own and return the column's name; nothing happens where it has one.

    Right at once: rows that were there before are read from the maps until ClickHouse has filled the column in, which
    it does in the background.
    """
    if table not in ATTRIBUTE_MAPS:
        raise InvalidInput(f"keys of {table} get no columns; those of {', '.join(ATTRIBUTE_MAPS)} do")
    if not key or not key.isprintable() or len(key) > _KEY_LENGTH:
        raise InvalidInput(
            f"expected an attribute key of 1 to {_KEY_LENGTH} printable characters, got {key!r}"
        )
    name = materialized_column(key)
    column = quote_identifier(name)
    literal = "'" + key.replace("\\", "\\\\").replace("'", "\\'") + "'"
    own, resource = (f"{each}[{literal}]" for each in ATTRIBUTE_MAPS[table])
    layout = await layout_of(store)
    for statement in (
        f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {column} LowCardinality(String) "
        f"MATERIALIZED if({own} != '', {own}, {resource}) CODEC(ZSTD(1))",
        f"ALTER TABLE {table} MATERIALIZE COLUMN {column}",
    ):
        for part in layout.statements(statement):
            await store.command(part)
    return name
