"""ClickHouse: migrations, client, query builder, the embedded server."""

from airis_ray.store.protocol import TENANT_TABLES, Query, Result, Store, tenant_filters

__all__ = ["TENANT_TABLES", "Query", "Result", "Store", "tenant_filters"]
