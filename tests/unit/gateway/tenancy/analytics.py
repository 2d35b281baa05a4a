"""Plausible calls of the routes of analytics."""

from __future__ import annotations

from tests.unit.gateway.parties import ARROW, Call, Party, Routes

TABLES = (
    "otel_logs",
    "otel_traces",
    "otel_traces_trace_id_ts",
    "otel_metrics_gauge",
    "otel_metrics_sum",
    "otel_metrics_histogram",
    "otel_metrics_exponential_histogram",
    "otel_metrics_summary",
    "hyperdx_sessions",
    "airis_services_10s",
    "airis_logs_10s",
    "airis_facets_15m",
    "airis_series_1m",
    "airis_alerts",
    "airis_anomalies",
    "airis_verdicts",
    "airis_replay_blocks",
    "airis_replay_sessions",
    "airis_comparisons",
    "airis_keys",
    "airis_tenants",
    "airis_audit",
    "airis_key_uses",
    "airis_accounts",
    "airis_account_totals",
    "airis_disk_drops",
    "system.parts",
    "system.query_log",
    "system.tables",
)


def search(me: Party, other: Party) -> list[Call]:
    calls = [
        Call(
            json={"signal": signal, "query": query, "limit": 10_000},
            shows=query == "" and signal in ("logs", "traces"),
        )
        for signal in ("logs", "traces", "sessions", "anomalies")
        for query in ("", f"service:{other.service}", f'"{other.secret}"', f"app.user.id:{other.secret}")
    ]
    tenants = [f"Tenant:{other.tenant}", f"airis.tenant:{other.tenant}", "airis.tenant:*", "-service:nothing"]
    calls += [Call(json={"signal": "logs", "query": query}) for query in tenants]
    return [*calls, Call(json={"signal": "logs"}, headers=ARROW, shows=True)]


def timeseries(me: Party, other: Party) -> list[Call]:
    return [
        *(
            Call(json={"signal": signal, "group_by": ["service"], "from": "now-30m"}, shows=True)
            for signal in ("logs", "traces")
        ),
        Call(json={"signal": "logs", "group_by": ["airis.tenant", "app.user.id"]}, shows=True),
        Call(json={"signal": "traces", "aggregate": "p95", "field": "duration", "group_by": ["app.user.id"]}),
        *(
            Call(
                json={"signal": "metrics", "metric": party.metric + kind, "group_by": ["service"]},
                shows=party is me,
            )
            for party in (me, other)
            for kind in ("", ".sum", ".histogram")
        ),
    ]


def period(me: Party, other: Party) -> list[Call]:
    return [Call(shows=True), Call(params={"from": "now-6h"}, shows=True)]


def service_map(me: Party, other: Party) -> list[Call]:
    return [Call(shows=True)]


def trace(me: Party, other: Party) -> list[Call]:
    base = "/api/analytics/traces"
    return [Call(f"{base}/{me.trace}", shows=True), Call(f"{base}/{other.trace}")]


def metrics(me: Party, other: Party) -> list[Call]:
    return [Call(shows=True), Call(params={"service": other.service}), Call(params={"prefix": other.metric})]


def fields(me: Party, other: Party) -> list[Call]:
    return [
        *(Call(params={"signal": signal}, shows=True) for signal in ("logs", "traces", "metrics")),
        Call(params={"signal": "logs", "prefix": f"key.{other.secret}"}),
    ]


def field_values(me: Party, other: Party) -> list[Call]:
    base = "/api/analytics/fields"
    names = ("service", "app.user.id", "k8s.pod.name", f"key.{me.secret}")
    shown = [Call(f"{base}/{name}/values", params={"signal": "logs"}, shows=True) for name in names]
    hidden = ("airis.tenant", f"key.{other.secret}")
    metrics = [Call(f"{base}/service/values", params={"signal": "metrics"}, shows=True)]
    metrics += [Call(f"{base}/{name}/values", params={"signal": "metrics"}) for name in hidden]
    return shown + metrics + [Call(f"{base}/{name}/values", params={"signal": "logs"}) for name in hidden]


def sql(me: Party, other: Party) -> list[Call]:
    attempts = [
        *(f"SELECT * FROM {table} LIMIT 100000" for table in TABLES),
        *(f"SELECT * FROM default.{table} LIMIT 100000" for table in TABLES[:4]),
        f"SELECT * FROM otel_logs WHERE Tenant = '{other.tenant}'",
        f"SELECT * FROM otel_logs WHERE Tenant = '{other.tenant}' OR 1 = 1",
        "SELECT a.Body, b.Body FROM otel_logs AS a, otel_logs AS b LIMIT 100",
        "WITH x AS (SELECT * FROM otel_logs) SELECT * FROM x UNION ALL SELECT * FROM otel_logs",
        "SELECT * FROM merge('default', '^otel_logs')",
        "SELECT * FROM cluster('default', default.otel_logs)",
        "SELECT * FROM remote('127.0.0.1', default.otel_logs)",
        "SELECT * FROM mergeTreeIndex('default', 'otel_logs')",
        "SELECT Body FROM otel_logs SETTINGS additional_table_filters = {}",
        "SELECT count() FROM otel_logs WHERE Body IN (SELECT Body FROM otel_logs)",
        "SELECT * FROM otel_logs FINAL",
        "INSERT INTO otel_logs (Body) VALUES ('x')",
        "SELECT * FROM otel_logs INTO OUTFILE '/tmp/out'",
    ]
    return [
        Call(json={"sql": "SELECT Body, Tenant FROM otel_logs"}, shows=True),
        Call(json={"sql": "SELECT Body FROM otel_logs"}, headers=ARROW, shows=True),
        *(Call(json={"sql": statement}) for statement in attempts),
    ]


ROUTES: Routes = {
    ("POST", "/api/analytics/search"): search,
    ("POST", "/api/analytics/timeseries"): timeseries,
    ("GET", "/api/analytics/services"): period,
    ("GET", "/api/analytics/service-map"): service_map,
    ("GET", "/api/analytics/traces/{trace_id}"): trace,
    ("GET", "/api/analytics/metrics"): metrics,
    ("GET", "/api/analytics/fields"): fields,
    ("GET", "/api/analytics/fields/{field}/values"): field_values,
    ("POST", "/api/analytics/sql"): sql,
}
