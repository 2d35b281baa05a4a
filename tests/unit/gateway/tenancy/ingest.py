"""Plausible calls of the routes of ingest."""

from __future__ import annotations

import json
import time

import cramjam

from airis_ray.telemetry.prometheus.messages import V1
from tests.unit.gateway.parties import Call, Calls, Party, Routes, none, payload


def telemetry(signal: str) -> Calls:
    def calls(me: Party, other: Party) -> list[Call]:
        return [Call(json=payload(signal, me)), Call(json=payload(signal, me, claims=other.tenant))]

    return calls


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


ROUTES: Routes = {
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
    ("POST", "/v1/alerts/{source}"): alert,
}
