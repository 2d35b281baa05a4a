"""The platform watches itself: its own spans, metrics and logs are in tenant airis, and nowhere else."""

from __future__ import annotations

import clickhouse_connect
import pytest

from airis_ray.errors import NotFound
from tests.serve.conftest import Instance, eventually


def test_own_telemetry_arrives_in_its_tenant_and_does_not_feed_on_itself(air: Instance) -> None:
    with air.connect() as client:
        client.services("now-5m")
        with pytest.raises(NotFound):
            client.trace("0" * 31 + "1")
    store = clickhouse_connect.get_client(
        host="127.0.0.1", port=air.store_port, username="admin", password=air.key
    )
    try:

        def count(sql: str) -> int:
            return int(store.query(sql).result_rows[0][0])

        own = "SELECT count() FROM {} WHERE Tenant = 'airis'"
        assert eventually(lambda: count(own.format("otel_traces")) > 0, 60.0)
        assert eventually(
            lambda: count(own.format("otel_metrics_sum")) + count(own.format("otel_metrics_histogram")) > 0,
            60.0,
        )
        looped = "SELECT count() FROM otel_traces WHERE Tenant = 'airis' AND SpanAttributes['airis.tenant'] = 'airis'"
        assert count(looped) == 0
        leaked = (
            "SELECT count() FROM otel_traces WHERE Tenant = 'default' AND startsWith(ServiceName, 'airis')"
        )
        assert count(leaked) == 0
    finally:
        store.close()
