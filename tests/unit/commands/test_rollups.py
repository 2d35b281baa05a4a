"""`airis rollups`: a roll-up that lacks records is found and made again."""

from __future__ import annotations

import pytest

from airis_ray.commands.rollups import _look, runs
from airis_ray.store.rollups import INTERVALS
from tests.support.local_store import LocalStore

_HOUR = 1_795_392_000  # 2026-11-23 00:00 UTC


@pytest.mark.parametrize(
    ("beginnings", "expected"),
    [([], []), ([10], [(10, 20)]), ([30, 10, 20, 60], [(10, 40), (60, 70)])],
)
def test_intervals_side_by_side_are_one_range(beginnings: list[int], expected: list[tuple[int, int]]) -> None:
    assert runs(beginnings, 10) == expected


async def test_what_is_missing_is_found_and_made_again(migrated_store: LocalStore, tenant: str) -> None:
    await migrated_store.command(
        "INSERT INTO otel_traces (TraceId, ServiceName, SpanName, Timestamp, Duration, ResourceAttributes) "
        f"SELECT toString(number), 'shop', 'GET', toDateTime64({_HOUR} + number, 9), 1, "
        f"map('airis.tenant', '{tenant}') FROM numbers(60)"
    )
    await migrated_store.command(
        f"DELETE FROM airis_services_10s WHERE Tenant = '{tenant}' AND Time < toDateTime({_HOUR + 30})"
    )

    def found(rows: list[dict[str, str | int]]) -> tuple[str | int, str | int]:
        (row,) = (row for row in rows if row["rollup"] == "airis_services_10s")
        return row["differed"], row["left"]

    whole = (_HOUR, _HOUR + 60)
    assert found(await _look(migrated_store, *whole, False)) == (3, 3)
    assert found(await _look(migrated_store, *whole, True)) == (3, 0)
    rows = await _look(migrated_store, *whole, False)
    assert [row["rollup"] for row in rows] == list(INTERVALS)
    assert found(rows) == (0, 0)
