"""What a name means: alias, column, key of an attribute; which convention; which column of its own."""

from __future__ import annotations

import pytest

from airis_ray.analytics.conventions import keys_of
from airis_ray.analytics.fields import resolve
from airis_ray.analytics.signals import SOURCES, Kind, source_of
from airis_ray.errors import Bug
from airis_ray.store.keys import ATTRIBUTE_MAPS, HOT_KEYS
from airis_ray.telemetry.severity import LEVELS, canonical


@pytest.mark.parametrize(
    ("name", "signal", "column", "kind"),
    [
        ("service", "logs", "ServiceName", Kind.STRING),
        ("ServiceName", "traces", "ServiceName", Kind.STRING),
        ("timestamp", "logs", "Timestamp", Kind.TIME),
        ("level", "logs", "level", Kind.LEVEL),
        ("severity", "sessions", "level", Kind.LEVEL),
        ("duration", "traces", "Duration", Kind.DURATION),
        ("status", "traces", "StatusCode", Kind.ENUM),
        ("trace", "logs", "TraceId", Kind.STRING),
        ("span", "traces", "SpanId", Kind.STRING),
        ("name", "traces", "SpanName", Kind.STRING),
        ("kind", "traces", "SpanKind", Kind.ENUM),
        ("body", "logs", "Body", Kind.TEXT),
        ("time", "metrics", "TimeUnix", Kind.TIME),
        ("value", "metrics", "Value", Kind.NUMBER),
        ("explanation", "anomalies", "explanation", Kind.TEXT),
    ],
)
def test_columns_and_aliases(name: str, signal: str, column: str, kind: Kind) -> None:
    field = resolve(name, signal)
    assert (field.name, field.kind) == (column, kind)
    assert field.places == ()


@pytest.mark.parametrize(
    ("name", "signal", "places"),
    [
        ("app.thing", "logs", [("LogAttributes", "app.thing"), ("ResourceAttributes", "app.thing")]),
        ("ResourceAttributes.app.thing", "traces", [("ResourceAttributes", "app.thing")]),
        ("ScopeAttributes.x", "logs", [("ScopeAttributes", "x")]),
        ("status", "logs", [("LogAttributes", "status"), ("ResourceAttributes", "status")]),
        # The name that was asked for counts first, then its counterpart.
        (
            "http.host",
            "traces",
            [
                ("SpanAttributes", "http.host"),
                ("ResourceAttributes", "http.host"),
                ("SpanAttributes", "server.address"),
                ("ResourceAttributes", "server.address"),
            ],
        ),
    ],
)
def test_attributes(name: str, signal: str, places: list[tuple[str, str]]) -> None:
    field = resolve(name, signal)
    assert field.kind is Kind.ATTRIBUTE
    assert list(field.places) == places
    entries = zip(field.lookups, places, strict=True)
    assert all(lookup.text.startswith(f"`{place[0]}`[") for lookup, place in entries)


@pytest.mark.parametrize(
    ("name", "signal", "columns"),
    [
        ("k8s.node.name", "logs", ["k8s.node.name"]),
        ("node", "logs", ["k8s.node.name", "node"]),
        ("http.status_code", "traces", ["http.status_code", "http.response.status_code"]),
        ("url.path", "traces", ["url.path", "http.target"]),
    ],
)
def test_keys_with_a_column_are_read_from_it(name: str, signal: str, columns: list[str]) -> None:
    field = resolve(name, signal)
    assert [lookup.text for lookup in field.lookups] == [f"`__attribute[{column}]`" for column in columns]
    assert [key for _, key in field.places[::2]] == columns


def test_a_key_of_a_named_map_is_read_from_that_map() -> None:
    (lookup,) = resolve("ResourceAttributes.app.country", "traces").lookups
    assert lookup.text.startswith("`ResourceAttributes`[")


def test_columns_that_an_operator_added_are_used() -> None:
    hot = {"otel_logs": frozenset({"app.thing"})}
    assert resolve("app.thing", "logs", hot=hot).value.text == "`__attribute[app.thing]`"
    assert len(resolve("app.thing", "traces", hot=hot).lookups) == 2


def test_every_name_of_a_hot_key_has_a_column() -> None:
    short = ("host", "pod", "node", "env", "version")
    for signal in ("logs", "traces"):
        hot = HOT_KEYS[SOURCES[signal].table or ""]
        for name in (*hot, *short):
            keys = keys_of(name)
            assert set(keys) <= set(hot) or not set(keys) & set(hot)


def test_maps_that_columns_are_made_of_are_those_that_are_searched() -> None:
    for signal, source in SOURCES.items():
        if signal not in ("metrics", "anomalies", "replays"):
            assert ATTRIBUTE_MAPS[source.table or ""] == source.attributes


def test_the_name_asked_for_is_always_looked_up() -> None:
    for name in (
        "http.method",
        "http.request.method",
        "db.system.name",
        "db.system",
        "deployment.environment",
    ):
        assert name in {key for _, key in resolve(name, "traces").places}


def test_short_names_stand_for_keys_and_for_themselves() -> None:
    assert keys_of("host") == ("host.name", "host")
    assert keys_of("env")[0] == "deployment.environment.name"
    assert keys_of("env")[-1] == "env"


def test_tables_of_metrics() -> None:
    assert resolve("IsMonotonic", "metrics", table="otel_metrics_sum").kind is Kind.BOOL
    assert resolve("IsMonotonic", "metrics").kind is Kind.ATTRIBUTE
    assert source_of("metrics", "otel_metrics_histogram").columns["Count"] is Kind.NUMBER
    with pytest.raises(Bug):
        source_of("logs", "otel_traces")
    with pytest.raises(Bug):
        source_of("nothing")


def test_spellings_of_levels() -> None:
    assert [canonical(each) for each in ("WARNING", "err", "Critical", "INFO2", "notice")] == [
        "warn",
        "error",
        "fatal",
        "info",
        None,
    ]
    assert all(canonical(level) == level for level in LEVELS)


def test_every_alias_is_a_column() -> None:
    for source in SOURCES.values():
        assert set(source.aliases.values()) <= set(source.columns)
