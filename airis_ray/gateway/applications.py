"""The applications that make up the HTTP interface, each with its prefix and how it is built on a store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from fastapi import FastAPI

from airis_ray.settings import Settings
from airis_ray.store.protocol import Store
from airis_ray.web.auth import Guard

Build = Callable[[Settings, Store, Guard], FastAPI]


@dataclass(frozen=True)
class Application:
    """One Serve application. ``prefix`` is its ``route_prefix`` ('' for the root); ``build`` imports it."""

    name: str
    prefix: str
    description: str
    build: Build


def _gateway(settings: Settings, store: Store, guard: Guard) -> FastAPI:
    from airis_ray.gateway.app import create_app

    return create_app(settings, store, guard)


def _ingest(settings: Settings, store: Store, guard: Guard) -> FastAPI:
    from airis_ray.ingest.app import create_app
    from airis_ray.ingest.intake import Intake

    return create_app(settings, Intake(store, settings), guard)


def _analytics(settings: Settings, store: Store, guard: Guard) -> FastAPI:
    from airis_ray.analytics.app import create_app

    return create_app(settings, store, guard)


def _search(settings: Settings, store: Store, guard: Guard) -> FastAPI:
    from airis_ray.search.app import create_app

    return create_app(settings, store, guard)


def _aiops(settings: Settings, store: Store, guard: Guard) -> FastAPI:
    from airis_ray.aiops.app import create_app

    return create_app(settings, store, guard)


def _delta(settings: Settings, store: Store, guard: Guard) -> FastAPI:
    from airis_ray.delta.app import create_app

    return create_app(settings, store, guard)


def _replay(settings: Settings, store: Store, guard: Guard) -> FastAPI:
    from airis_ray.replay.app import create_app

    return create_app(settings, store, guard)


APPLICATIONS: Final = (
    Application("gateway", "", "Keys, tenants, readiness, documents", _gateway),
    Application(
        "ingest",
        "/v1",
        "Telemetry in: OTLP, Prometheus, Loki, Elasticsearch, Splunk, alerts, recordings",
        _ingest,
    ),
    Application("analytics", "/api/analytics", "Search, series, services, traces, SQL", _analytics),
    Application("search", "/api/search", "Questions in Korean and English, logs by meaning", _search),
    Application("delta", "/api/delta", "What some events have in common that others have not", _delta),
    Application("replay", "/api/replay", "Recorded browser sessions", _replay),
    Application("aiops", "/api/aiops", "Anomalies and forecasts", _aiops),
)
"""Imports are inside the functions: a process builds what it needs and pays for no more."""
