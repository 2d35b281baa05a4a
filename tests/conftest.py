"""Fixtures of every test folder; ``tests/support/local_store.py`` says how tests share the one embedded
engine."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from airis_ray.settings import RetentionSettings, Settings
from airis_ray.store.migrate import migrate
from tests.support.kafka import kafka as kafka  # a fixture for every folder
from tests.support.local_store import LocalStore


def pytest_addoption(parser: pytest.Parser) -> None:
    """Of tests/faults; an option of a folder's own would be unknown where the whole of tests is named."""
    told = "how long a fault lasts (60 s, a paused consumer 120 s)"
    parser.addoption("--fault-seconds", type=float, default=None, help=told)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def migrated_store(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LocalStore]:
    """The engine in this process with every table; one for the whole run (chDB: one path per process).

    Rows are kept for ever, so that a test may write telemetry of any date.
    """
    store = LocalStore(str(tmp_path_factory.mktemp("store")))
    keep = RetentionSettings(logs=0, traces=0, metrics=0, sessions=0)
    await migrate(store, settings=Settings(retention=keep))
    yield store
    await store.close()


@pytest.fixture
def tenant() -> str:
    """A tenant that no other test has."""
    return f"t{uuid.uuid4().hex[:12]}"
