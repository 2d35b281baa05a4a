"""What every replica sets up around its application."""

from __future__ import annotations

from airis_ray.cache import open_cache
from airis_ray.settings import Settings
from airis_ray.store.protocol import Store
from airis_ray.web.auth import Guard
from airis_ray.web.keyring import api_keys
from airis_ray.web.keys import KeyTable
from airis_ray.web.logs import configure_logs
from airis_ray.web.telemetry import Telemetry


def service_guard(settings: Settings, service: str, store: Store) -> Guard:
    """Structured logs, self-observation and the guard of one service; called once in a replica's process."""
    configure_logs(settings, service)
    return Guard(
        settings,
        api_keys(settings, KeyTable(store)),
        cache=open_cache(settings),
        observer=Telemetry.start(settings, service),
        answers_request_id=False,  # Serve adds the header to every answer, and a second one would not help
    )
