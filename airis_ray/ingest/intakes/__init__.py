"""The other ways in: Prometheus, Loki, Elasticsearch, Splunk, alert webhooks, recordings, each as its clients speak.

A route reads the body, a translator (:mod:`airis_ray.telemetry`) makes an OTLP request of it, and the intake takes
that as if it had come so. What a refusal looks like is told in :mod:`airis_ray.ingest.intakes.refusals`.
"""

from __future__ import annotations

from fastapi import FastAPI

from airis_ray.ingest.intake import Intake
from airis_ray.ingest.intakes import alerts, elastic, loki, prometheus, replay, splunk
from airis_ray.ingest.intakes.credentials import Credentials
from airis_ray.ingest.intakes.door import Door
from airis_ray.settings import Settings


def add_intakes(app: FastAPI, intake: Intake, settings: Settings) -> None:
    """Add the routes to the ingest application."""
    door = Door(intake, settings)
    for family in (prometheus, loki, elastic, splunk, alerts, replay):
        app.include_router(family.router(door))
    app.add_middleware(Credentials)  # in front of the guard, which knows bearer tokens alone


__all__ = ["add_intakes"]
