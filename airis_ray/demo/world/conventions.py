"""Attributes by the semantic conventions."""

from __future__ import annotations

from airis_ray.demo.wire import Attribute


def rpc(service: str, method: str) -> dict[str, Attribute]:
    """A gRPC call."""
    return {"rpc.system": "grpc", "rpc.service": f"shop.{service}", "rpc.method": method}


def http(method: str, route: str) -> dict[str, Attribute]:
    """An HTTP request."""
    return {"http.request.method": method, "http.route": route}


def postgres(operation: str, query: str) -> dict[str, Attribute]:
    """A PostgreSQL query."""
    return {
        "db.system": "postgresql",
        "db.namespace": "shop",
        "db.operation.name": operation,
        "db.query.text": query,
        "server.address": "postgres.shop.svc",
    }


def redis(operation: str, query: str) -> dict[str, Attribute]:
    """A Redis command."""
    return {
        "db.system": "redis",
        "db.operation.name": operation,
        "db.query.text": query,
        "server.address": "redis.shop.svc",
    }
