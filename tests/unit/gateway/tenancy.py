"""Plausible calls of every route, by one tenant, also for what is another's."""

from __future__ import annotations

import json
import time
from typing import Any

import cramjam

from airis_ray.gateway.applications import APPLICATIONS
from airis_ray.telemetry.prometheus.messages import V1
from tests.unit.gateway.parties import ARROW, Call, Calls, Party, payload

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


def none(me: Party, other: Party) -> list[Call]:
    return [Call()]


def telemetry(signal: str) -> Calls:
    def calls(me: Party, other: Party) -> list[Call]:
        return [Call(json=payload(signal, me)), Call(json=payload(signal, me, claims=other.tenant))]

    return calls


# ---- ingest, besides OTLP ----


def lines(me: Party, other: Party) -> list[Call]:
    labels = {"service_name": me.service, "airis.tenant": other.tenant, "airis_tenant": other.tenant}
    values = [[str(time.time_ns()), f"ERROR {me.secret}"]]
    return [Call(json={"streams": [{"stream": labels, "values": values}]})]


def elastic(path: str, *, bulk: bool) -> Calls:
    def calls(me: Party, other: Party) -> list[Call]:
        document = {"message": me.secret, "service.name": me.service, "airis.tenant": other.tenant}
        if not bulk:
            return [Call(path, json=document)]
        body = "\n".join(map(json.dumps, ({"index": {"_index": "logs"}}, document, "")))
        return [Call(path, content=body)]

    return calls


def events(me: Party, other: Party) -> list[Call]:
    fields = {"service_name": me.service, "airis.tenant": other.tenant}
    metric = {**fields, f"metric_name:{me.metric}.hec": 1}
    return [
        Call(json={"event": me.secret, "host": me.secret, "fields": fields}),
        Call(json={"event": "metric", "fields": metric}),
    ]


def raw(me: Party, other: Party) -> list[Call]:
    return [Call(content=f"INFO {me.secret}", params={"host": me.secret})]


def acks(me: Party, other: Party) -> list[Call]:
    return [Call(json={"acks": [1]})]


def samples(me: Party, other: Party) -> list[Call]:
    labels = {"__name__": f"{me.metric}.rw", "job": me.service, "airis.tenant": other.tenant}
    request = V1["WriteRequest"]()
    series = request.timeseries.add()
    series.labels.extend(
        V1["Label"](name=name, value=text).SerializeToString() for name, text in labels.items()
    )
    series.samples.add(value=1.0, timestamp=time.time_ns() // 10**6)
    body = bytes(cramjam.snappy.compress_raw(request.SerializeToString()))
    return [Call(content=body, headers={"content-type": "application/x-protobuf"})]


def alert(me: Party, other: Party) -> list[Call]:
    body = {"name": me.secret, "service": me.service, "labels": {"tenant": other.tenant}}
    return [Call("/v1/alerts/generic", json=body)]


# ---- gateway ----


def log_in(me: Party, other: Party) -> list[Call]:
    return [Call(json={"key": me.key})]


def list_keys(me: Party, other: Party) -> list[Call]:
    return [
        Call(shows=True),
        Call(params={"revoked": True, "limit": 1000}, shows=True),
        Call(params={"tenant": other.tenant}),
    ]


def create_key(me: Party, other: Party) -> list[Call]:
    body = {"name": f"another of {me.secret}", "scopes": ["read"]}
    return [Call(json=body, shows=True), Call(json={**body, "tenant": other.tenant})]


def revoke_key(me: Party, other: Party) -> list[Call]:
    return [Call(f"/api/keys/{other.key_id}")]


def create_tenant(me: Party, other: Party) -> list[Call]:
    return [Call(json={"id": other.tenant, "name": "mine now"})]


def audit(me: Party, other: Party) -> list[Call]:
    return [Call(params={"limit": 1000}, shows=True), Call(params={"tenant": other.tenant})]


def accounts(me: Party, other: Party) -> list[Call]:
    return [Call(), Call(params={"from": "now-7d"}), Call(params={"tenant": other.tenant})]


# ---- analytics ----


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
        *(
            Call(params={"signal": signal}, shows=signal != "metrics")
            for signal in ("logs", "traces", "metrics")
        ),
        Call(params={"signal": "logs", "prefix": f"key.{other.secret}"}),
    ]


def field_values(me: Party, other: Party) -> list[Call]:
    base = "/api/analytics/fields"
    names = ("service", "app.user.id", "k8s.pod.name", f"key.{me.secret}")
    shown = [Call(f"{base}/{name}/values", params={"signal": "logs"}, shows=True) for name in names]
    hidden = ("airis.tenant", f"key.{other.secret}")
    return shown + [Call(f"{base}/{name}/values", params={"signal": "logs"}) for name in hidden]


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


# ---- search ----


def ask(me: Party, other: Party) -> list[Call]:
    # An answer repeats its question, so the other's names are asked for with a letter missing: they may not be found.
    return [
        Call(json={"question": f"'{me.secret}' 로그 최근 1시간"}, shows=True),
        Call(json={"question": f"{other.service[:-1]} 서비스 로그 최근 1시간"}),
        Call(json={"question": f"logs of {other.service[:-1]} in the last hour"}),
        Call(json={"question": f"최근 1시간 {other.secret[:-1]} 요청 수"}),
        Call(json={"question": "list all services", "execute": True}, shows=True),
        Call(json={"question": "what metrics do we have?"}, shows=True),
        Call(json={"question": "서비스별 요청 수 최근 1시간"}),
    ]


def similar_logs(me: Party, other: Party) -> list[Call]:
    return [Call(json={"text": "something happened"}), Call(json={"text": other.service, "limit": 100})]


# ---- aiops ----


def series(**options: Any) -> Calls:
    """A series of one's own: it comes back to whoever sent it."""

    def calls(me: Party, other: Party) -> list[Call]:
        stamps = [10**18 + minute * 60 * 10**9 for minute in range(50)]
        body = {
            "timestamps": stamps,
            "values": [minute % 7 for minute in range(50)],
            "labels": {"host": me.secret},
        }
        return [Call(json={"series": [body], **options}, shows=True)]

    return calls


def detect(me: Party, other: Party) -> list[Call]:
    (call,) = series()(me, other)
    return [
        call,
        *(Call(json={**call.json, "model": party.model}, shows=party is me) for party in (me, other)),
    ]


def models(me: Party, other: Party) -> list[Call]:
    return [Call(shows=True)]


def register(me: Party, other: Party) -> list[Call]:
    """No graph: that one is kept is tried where models are."""
    how = {"width": 32, "output": "usual"}
    octets = {"content-type": "application/octet-stream"}
    return [
        Call(f"/api/aiops/models/{party.model}", params=how, content=b"none", headers=octets)
        for party in (me, other)
    ]


def roll_back(me: Party, other: Party) -> list[Call]:
    return [
        Call(f"/api/aiops/models/{party.model}/rollback", json={"version": "1"}, shows=party is me)
        for party in (me, other)
    ]


def delete_model(rest: str) -> Calls:
    """One's own stays for the calls that show it."""

    def calls(me: Party, other: Party) -> list[Call]:
        return [Call(f"/api/aiops/models/{name}{rest}") for name in (other.model, "none")]

    return calls


def anomalies(me: Party, other: Party) -> list[Call]:
    return [Call(shows=True), Call(headers=ARROW, shows=True), Call(params={"service": other.service})]


def anomaly(me: Party, other: Party) -> list[Call]:
    return [Call(f"/api/aiops/anomalies/{party.anomaly}", shows=party is me) for party in (me, other)]


def say(me: Party, other: Party) -> list[Call]:
    base = "/api/aiops/anomalies"
    return [
        Call(f"{base}/{party.anomaly}/verdict", json={"verdict": "true"}, shows=party is me)
        for party in (me, other)
    ]


def unsay(me: Party, other: Party) -> list[Call]:
    return [Call(f"/api/aiops/anomalies/{party.anomaly}/verdict", shows=party is me) for party in (me, other)]


# ---- delta ----


def compare(me: Party, other: Party) -> list[Call]:
    groups: list[dict[str, Any]] = [
        {"target": {"query": query}, "baseline": {"query": "", "from": "now-2h"}}
        for query in ("", f"service:{other.service}", f'"{other.secret}"', f"app.user.id:{other.secret}")
    ]
    return [
        Call(json={"signal": signal, "limit": 500, **group})
        for signal in ("logs", "traces", "sessions")
        for group in groups
    ]


def explain(me: Party, other: Party) -> list[Call]:
    body = {
        "signal": "logs",
        "dimensions": ["service", "app.user.id"],
        "baseline": {"from": "now-2h", "to": "now-30m"},
    }
    return [Call(json=body), Call(json={**body, "events": f"service:{other.service}"})]


# ---- replay ----


def recording(me: Party, other: Party) -> list[Call]:
    """A session of one's own name; the same name is the other's session too."""
    now = time.time_ns() // 10**6
    events = [
        {"type": 4, "data": {"href": f"https://shop.example/{me.secret}"}, "timestamp": now},
        {"type": 5, "data": {"tag": "airis.error", "payload": {"message": me.secret}}, "timestamp": now},
    ]
    metadata = {"sequence": 0, "user": me.secret, "service": me.service}
    return [
        Call(json={"session_id": name, "events": events, "metadata": metadata})
        for name in (f"s-{me.secret}", "shared")
    ]


def recordings(me: Party, other: Party) -> list[Call]:
    queries = ("", f"user:{other.secret}", "user:*", f'"{other.secret}"', f"id:s-{other.secret}")
    return [Call(params={"query": query}) for query in queries]


def of_recording(end: str) -> Calls:
    def calls(me: Party, other: Party) -> list[Call]:
        base = "/api/replay/sessions"
        mine = [Call(f"{base}/{name}{end}", shows=True) for name in (f"s-{me.secret}", "shared")]
        return [*mine, Call(f"{base}/s-{other.secret}{end}")]

    return calls


def delete_of_user(me: Party, other: Party) -> list[Call]:
    return [Call(params={"user": other.secret}), Call(params={"user": f"{me.secret} or nobody"})]


def delete_recording(me: Party, other: Party) -> list[Call]:
    return [Call(f"/api/replay/sessions/s-{other.secret}")]


CASES: dict[tuple[str, str], Calls] = {
    ("GET", "/"): none,
    ("GET", "/healthz"): none,
    ("GET", "/readyz"): none,
    ("GET", "/openapi.json"): none,
    ("GET", "/docs"): none,
    ("GET", "/recorder.js"): none,
    ("GET", "/metrics"): none,
    ("GET", "/api/auth/me"): none,
    ("POST", "/api/auth/login"): log_in,
    ("POST", "/api/auth/logout"): none,
    ("GET", "/api/keys"): list_keys,
    ("POST", "/api/keys"): create_key,
    ("DELETE", "/api/keys/{key_id}"): revoke_key,
    ("GET", "/api/tenants"): none,
    ("POST", "/api/tenants"): create_tenant,
    ("GET", "/api/audit"): audit,
    ("GET", "/api/accounts"): accounts,
    ("POST", "/v1/logs"): telemetry("logs"),
    ("POST", "/v1/traces"): telemetry("traces"),
    ("POST", "/v1/metrics"): telemetry("metrics"),
    ("POST", "/v1/prometheus/write"): samples,
    ("POST", "/v1/loki/api/v1/push"): lines,
    ("GET", "/v1/loki/ready"): none,
    ("GET", "/v1/elastic"): none,
    ("GET", "/v1/elastic/"): none,
    ("GET", "/v1/elastic/_license"): none,
    ("GET", "/v1/elastic/_cluster/health"): none,
    **{
        (method, f"/v1/elastic{path}"): elastic(f"/v1/elastic{path}".format(index="i", id="1"), bulk=bulk)
        for method, path, bulk in (
            ("POST", "/_bulk", True),
            ("PUT", "/_bulk", True),
            ("POST", "/{index}/_bulk", True),
            ("PUT", "/{index}/_bulk", True),
            ("POST", "/{index}/_doc", False),
            ("POST", "/{index}/_doc/{id}", False),
            ("PUT", "/{index}/_doc/{id}", False),
            ("POST", "/{index}/_create/{id}", False),
            ("PUT", "/{index}/_create/{id}", False),
        )
    },
    ("POST", "/v1/splunk/services/collector"): events,
    ("POST", "/v1/splunk/services/collector/event"): events,
    ("POST", "/v1/splunk/services/collector/event/1.0"): events,
    ("POST", "/v1/splunk/services/collector/raw"): raw,
    ("POST", "/v1/splunk/services/collector/raw/1.0"): raw,
    ("POST", "/v1/splunk/services/collector/ack"): acks,
    ("GET", "/v1/splunk/services/collector/health"): none,
    ("GET", "/v1/splunk/services/collector/health/1.0"): none,
    ("POST", "/v1/replay"): recording,
    ("POST", "/v1/alerts/{source}"): alert,
    ("POST", "/api/analytics/search"): search,
    ("POST", "/api/analytics/timeseries"): timeseries,
    ("GET", "/api/analytics/services"): period,
    ("GET", "/api/analytics/service-map"): service_map,
    ("GET", "/api/analytics/traces/{trace_id}"): trace,
    ("GET", "/api/analytics/metrics"): metrics,
    ("GET", "/api/analytics/fields"): fields,
    ("GET", "/api/analytics/fields/{field}/values"): field_values,
    ("POST", "/api/analytics/sql"): sql,
    ("POST", "/api/search/ask"): ask,
    ("POST", "/api/search/similar-logs"): similar_logs,
    ("POST", "/api/delta/compare"): compare,
    ("POST", "/api/delta/explain"): explain,
    ("POST", "/api/aiops/detect"): detect,
    ("GET", "/api/aiops/models"): models,
    ("POST", "/api/aiops/models/{name}"): register,
    ("POST", "/api/aiops/models/{name}/rollback"): roll_back,
    ("DELETE", "/api/aiops/models/{name}"): delete_model(""),
    ("DELETE", "/api/aiops/models/{name}/versions/{version}"): delete_model("/versions/1"),
    ("POST", "/api/aiops/forecast"): series(horizon=3),
    ("GET", "/api/aiops/anomalies"): anomalies,
    ("GET", "/api/aiops/anomalies/{anomaly}"): anomaly,
    ("POST", "/api/aiops/anomalies/{anomaly}/verdict"): say,
    ("DELETE", "/api/aiops/anomalies/{anomaly}/verdict"): unsay,
    **{
        (method, f"{application.prefix}/{{path}}"): none  # answered while an application is not there
        for application in APPLICATIONS
        if application.prefix
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
    },
    ("GET", "/api/replay/sessions"): recordings,
    ("GET", "/api/replay/sessions/{session}"): of_recording(""),
    ("GET", "/api/replay/sessions/{session}/events"): of_recording("/events"),
    ("GET", "/api/replay/sessions/{session}/timeline"): of_recording("/timeline"),
    ("DELETE", "/api/replay/sessions"): delete_of_user,
    ("DELETE", "/api/replay/sessions/{session}"): delete_recording,
}
"""What the walk sends to each route. A new route needs a line here, or the walk fails."""
