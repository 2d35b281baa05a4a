"""What a name means: alias, column, key of an attribute; which convention; which column of its own."""

from __future__ import annotations

import pytest

from airis_ray.analytics.conventions import keys_of
from airis_ray.analytics.fields import resolve
from airis_ray.analytics.levels import LEVELS, canonical
from airis_ray.analytics.signals import SOURCES, Kind, source_of
from airis_ray.errors import Bug


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
        # Keys with a column of their own are read from there, and their counterparts likewise.
        ("k8s.node.name", "logs", [("ResourceAttributes", "k8s.node.name")]),
        (
            "http.status_code",
            "traces",
            [("SpanAttributes", "http.status_code"), ("SpanAttributes", "http.response.status_code")],
        ),
        # A name without a column is looked for wherever it may be, whatever its counterpart has.
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
        (
            "http.method",
            "logs",
            [
                ("LogAttributes", "http.method"),
                ("ResourceAttributes", "http.method"),
                ("LogAttributes", "http.request.method"),
                ("ResourceAttributes", "http.request.method"),
            ],
        ),
    ],
)
def test_attributes(name: str, signal: str, places: list[tuple[str, str]]) -> None:
    field = resolve(name, signal)
    assert field.kind is Kind.ATTRIBUTE
    assert list(field.places) == places
    assert len(field.lookups) == len(places)


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
