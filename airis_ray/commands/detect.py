"""`airis detect`: anomalies of a time that has passed, found by the watcher's own code and kept where it keeps them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Protocol

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from airis_ray.commands.output import JsonFlag, show, table
from airis_ray.commands.store import with_store
from airis_ray.settings import Settings
from airis_ray.telemetry.times import TimeRange, format_time, parse_duration, parse_range
from airis_ray.web.auth import DEFAULT_TENANT

_SHOWN = 20


class _Said(Protocol):
    def __call__(self, part: float, /) -> None: ...


def detect(
    since: Annotated[str, typer.Option(help="how far back: 12h, 7d")] = "24h",
    end: Annotated[str, typer.Option("--to", help="up to when")] = "now",
    tenant: Annotated[str, typer.Option(help="whose telemetry")] = DEFAULT_TENANT,
    as_json: JsonFlag = False,
) -> None:
    """Look for anomalies in what is stored already; straight to the store, learned from what lies before."""
    now = time.time_ns()
    last = parse_range(0, end, now).end_ns
    period = TimeRange(max(last - parse_duration(since, pointer="/since"), 0), last)
    settings = Settings.from_env()
    from airis_ray.aiops.watch.backfill import backfill  # numpy and the detectors: not for every command

    with _bar(as_json) as said:
        filled = with_store(settings, lambda store: backfill(store, settings.watch, tenant, period, said))
    found = sorted(filled.findings.values(), key=lambda each: -each.score)
    answer: dict[str, Any] = {
        "from": format_time(period.start_ns),
        "to": format_time(period.end_ns),
        "points": filled.points,
        "anomalies": len(found),
        "services": dict(filled.by_service),
    }
    if as_json:
        answer["found"] = [
            {"id": each.id, "score": each.score, "explanation": each.explanation} for each in found
        ]

    def human() -> None:
        print(f"{filled.points:,} points, {len(found)} anomalies: GET /api/aiops/anomalies lists them")
        rows = [{"score": each.score, "anomaly": each.explanation} for each in found[:_SHOWN]]
        if rows:
            table(rows)

    show(answer, as_json, human)


@contextmanager
def _bar(hidden: bool) -> Iterator[_Said]:
    console = Console(stderr=True)
    columns = (TextColumn("detecting"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=hidden or not console.is_terminal) as bar:
        task = bar.add_task("detecting", total=1.0)

        def said(part: float, /) -> None:
            bar.update(task, completed=part)

        yield said
