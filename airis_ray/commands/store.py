"""`airis migrate`: straight to the store, embedded (it must be running) or the one that AIRIS_CLICKHOUSE_URL names."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Annotated, TypeVar

import typer

from airis_ray.commands.output import JsonFlag, show
from airis_ray.errors import Unavailable
from airis_ray.settings import Settings
from airis_ray.store import Store
from airis_ray.store.client import open_store
from airis_ray.store.migrate import Step
from airis_ray.store.migrate import migrate as run

T = TypeVar("T")


def migrate(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="show the statements, change nothing")] = False,
    down: Annotated[
        int, typer.Option(min=0, help="go back over the newest N migrations; their data goes with them")
    ] = 0,
    as_json: JsonFlag = False,
) -> None:
    """Bring the tables to this version of the program, or back."""
    settings = Settings.from_env()
    steps = with_store(settings, lambda store: run(store, settings=settings, dry_run=dry_run, down=down))
    show([asdict(step) for step in steps], as_json, lambda: _tell(steps, dry_run))


def with_store(settings: Settings, work: Callable[[Store], Awaitable[T]]) -> T:
    """Run ``work`` on an open store."""

    async def run_and_close() -> T:
        store = open_store(settings)
        try:
            return await work(store)
        except Unavailable as error:
            if settings.clickhouse_url is None:
                raise Unavailable(
                    f"the embedded store is not running (start it with airis up): {error}"
                ) from error
            raise
        finally:
            await store.close()

    return asyncio.run(run_and_close())


def _tell(steps: list[Step], dry_run: bool) -> None:
    if not steps:
        print("the tables are at this version")
    for step in steps:
        print(f"{step.version:04d} {step.name} ({step.direction})")
        for statement in step.statements if dry_run else ():
            print(f"{statement};\n")
