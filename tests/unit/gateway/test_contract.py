"""The names that clients depend on: paths, parameters and fields of the ground floor, as they were promised."""

from __future__ import annotations

import pytest

from tests.unit.gateway.documented import DOCUMENT, answer_of, body_of

TABLE = "columns rows cursor stats"
CALLS = [
    ("post", "/api/analytics/search", "signal query from to limit order fields cursor", TABLE),
    (
        "post",
        "/api/analytics/timeseries",
        "signal query metric aggregate field group_by step from to limit",
        "timestamps series step",
    ),
    (
        "get",
        "/api/analytics/services",
        "from to",
        "name requests error_rate p50_ms p95_ms p99_ms logs error_logs",
    ),
    ("get", "/api/analytics/service-map", "from to", "nodes edges"),
    ("get", "/api/analytics/traces/{trace_id}", "trace_id", "trace_id spans critical_path logs"),
    ("get", "/api/analytics/fields", "signal prefix from to", "name count"),
    ("get", "/api/analytics/fields/{field}/values", "field signal prefix from to", "value count"),
    ("post", "/api/analytics/sql", "sql parameters", TABLE),
    ("get", "/api/analytics/metrics", "", "name kind unit labels"),
]
NESTED = {
    "StatsModel": "rows_read bytes_read elapsed_ms",
    "Column": "name type",
    "OneSeries": "labels values",
    "MapEdge": "source target requests error_rate p95_ms",
    "Problem": "type title status detail instance errors",
}
PATHS = (
    "/v1/logs", "/v1/traces", "/v1/metrics", "/v1/prometheus/write", "/v1/loki/api/v1/push", "/v1/elastic/_bulk",
    "/v1/splunk/services/collector/event", "/v1/alerts/{source}", "/v1/replay", "/healthz", "/readyz", "/metrics",
    "/api/auth/login", "/api/auth/logout", "/api/auth/me", "/api/keys", "/api/tenants", "/api/audit",
)  # fmt: skip


@pytest.mark.parametrize(("method", "path", "taken", "answered"), CALLS, ids=lambda value: value)
def test_a_call_takes_and_answers_what_was_promised(
    method: str, path: str, taken: str, answered: str
) -> None:
    item = DOCUMENT["paths"].get(path) or DOCUMENT["paths"][path.replace("{field}", "{field:path}")]
    operation = item[method]
    body = body_of(operation) or {}
    names = {each["name"] for each in operation.get("parameters", ())} | body.get("properties", {}).keys()
    assert set(taken.split()) <= names
    assert set(answered.split()) <= answer_of(operation)["properties"].keys()
    # Every field but those that are marked has a default.
    assert set(body.get("required", ())) <= {"sql"}


@pytest.mark.parametrize(("schema", "fields"), NESTED.items(), ids=lambda value: value)
def test_what_lies_within_an_answer_was_promised_too(schema: str, fields: str) -> None:
    assert set(fields.split()) <= DOCUMENT["components"]["schemas"][schema]["properties"].keys()


@pytest.mark.parametrize("path", PATHS)
def test_a_promised_path_is_there(path: str) -> None:
    assert path in DOCUMENT["paths"]
