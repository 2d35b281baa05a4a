"""`airis rollups`: roll-ups compared with the tables they are made of, and made again where records are missing."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from airis_ray.commands.output import JsonFlag, show, table
from airis_ray.commands.store import with_store
from airis_ray.errors import InvalidInput
from airis_ray.settings import Settings
from airis_ray.store import Store
from airis_ray.store.rollups import INTERVALS, differences, rebuild
from airis_ray.telemetry.times import parse_range

_SECOND = 1_000_000_000


def rollups(
    start: Annotated[str, typer.Option("--from", help="beginning of the range")] = "now-26h",
    end: Annotated[
        str, typer.Option("--to", help="its end; records should have stopped coming for it")
    ] = "now-1h",
    repair: Annotated[bool, typer.Option("--repair", help="make the intervals that differ again")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Find intervals of the roll-ups that lack records of their base tables; exit status 1 where some are left."""
    asked = parse_range(start, end, time.time_ns())
    settings = Settings.from_env()
    rows = with_store(
        settings, lambda store: _look(store, asked.start_ns // _SECOND, asked.end_ns // _SECOND, repair)
    )
    show(rows, as_json, lambda: table(rows))
    if any(row["left"] for row in rows):
        raise InvalidInput("some roll-ups lack records: airis rollups --repair makes them again")


async def _look(store: Store, start: int, end: int, repair: bool) -> list[dict[str, str | int]]:
    rows: list[dict[str, str | int]] = []
    for rollup, interval in INTERVALS.items():
        found = await differences(store, rollup, start, end)
        if repair and found:
            for low, high in runs(found, interval):
                await rebuild(store, rollup, low, high)
        left = len(await differences(store, rollup, start, end)) if repair and found else len(found)
        rows.append({"rollup": rollup, "differed": len(found), "left": left})
    return rows


def runs(beginnings: list[int], interval: int) -> list[tuple[int, int]]:
    """Intervals side by side as one range: a rebuild of an hour reads its base rows once and not 360 times."""
    joined: list[tuple[int, int]] = []
    for beginning in sorted(beginnings):
        if joined and joined[-1][1] == beginning:
            joined[-1] = (joined[-1][0], beginning + interval)
        else:
            joined.append((beginning, beginning + interval))
    return joined
