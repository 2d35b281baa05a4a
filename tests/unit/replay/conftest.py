"""Ingest and replay for one tenant, over the store of the tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.local_store import LocalStore
from tests.unit.replay.site import Site


@pytest.fixture
async def site(migrated_store: LocalStore, tenant: str, tmp_path: Path) -> AsyncIterator[Site]:
    made = Site(migrated_store, tenant, tmp_path)
    yield made
    await made.close()
