"""ClickHouse: migrations, client, the embedded server."""

from airis_ray.store.protocol import TENANT_TABLES, Query, Result, Store, check_tenancy, tenant_filters

__all__ = ["TENANT_TABLES", "Query", "Result", "Store", "check_tenancy", "tenant_filters"]
