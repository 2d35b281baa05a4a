"""Plausible calls of every route, by one tenant, also for what is another's: a module for each application."""

from __future__ import annotations

from tests.unit.gateway.parties import Routes
from tests.unit.gateway.tenancy import aiops, analytics, delta, gateway, ingest, replay, search

CASES: Routes = {
    **gateway.ROUTES,
    **ingest.ROUTES,
    **analytics.ROUTES,
    **search.ROUTES,
    **delta.ROUTES,
    **aiops.ROUTES,
    **replay.ROUTES,
}
"""What the walk sends to each route. A new route needs a line in its application's module, or the walk fails."""
