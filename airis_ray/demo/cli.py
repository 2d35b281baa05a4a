"""``airis demo``."""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from airis_ray.client.address import resolve
from airis_ray.demo.faults import parse_fault, seconds
from airis_ray.demo.plan import Plan
from airis_ray.demo.run import Run
from airis_ray.demo.season import NS
from airis_ray.demo.send import Count, Files, Sender, Sink
from airis_ray.errors import AirisError, InvalidInput
from airis_ray.settings import Settings

app = typer.Typer(add_completion=False, help="Telemetry of a made-up web shop.")

_FINISHED: Final = 0
_FAILED: Final = 1
_WRONG: Final = 2


@app.command()
def demo(
    url: Annotated[
        str | None,
        typer.Option(help="where OTLP/HTTP is taken; default: AIRIS_URL, else this machine's AIRIS-Ray"),
    ] = None,
    key: Annotated[
        str | None, typer.Option(help="API key; default: AIRIS_KEY, else AIRIS_DATA_DIR/admin.key")
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, help="the same seed, start and duration give the same telemetry")
    ] = 1,
    start: Annotated[str | None, typer.Option(help="history from this time on (RFC 3339)")] = None,
    duration: Annotated[str | None, typer.Option(help="how long: 90s, 30m, 16d; live: until stopped")] = None,
    since: Annotated[str | None, typer.Option(help="history of the last 7d, 12h, … until now")] = None,
    rate: Annotated[
        float | None, typer.Option(min=0.01, help="requests/s at the frontend on average; live 8, history 2")
    ] = None,
    fault: Annotated[list[str] | None, typer.Option(help="NAME[@offset][:duration]; may be repeated")] = None,
    faults_file: Annotated[Path, typer.Option(help="ground truth is appended here")] = Path("faults.jsonl"),
    out: Annotated[
        Path | None, typer.Option(help="write the payloads into this folder instead of sending")
    ] = None,
    dry_run: Annotated[bool, typer.Option(help="count instead of sending")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="a JSON summary instead of a progress bar")] = False,
) -> None:
    """Send the telemetry of the made-up shop, live or as history."""
    console = Console(stderr=True)
    try:
        plan = make_plan(seed, start, duration, since, rate, fault or [], now=time.time_ns())
        sink = _sink(Settings.from_env(), url, key, out, dry_run)
        live = start is None and since is None
        truth = None if dry_run else faults_file
        code = _drive(plan, sink, truth, live, console, as_json)
    except AirisError as error:
        console.print(f"airis demo: {error}", style="red", highlight=False, soft_wrap=True)
        code = _WRONG if isinstance(error, InvalidInput) else _FAILED
    raise typer.Exit(code)


def make_plan(
    seed: int,
    start: str | None,
    duration: str | None,
    since: str | None,
    rate: float | None,
    faults: list[str],
    *,
    now: int,
) -> Plan:
    """The plan that the options ask for; ``now`` is in nanoseconds. Raises InvalidInput."""
    if since is not None and (start is not None or duration is not None):
        raise InvalidInput("--since cannot be used together with --start or --duration")
    length = None if duration is None else seconds(duration, "--duration")
    if length is not None and length < 1:
        raise InvalidInput("--duration must be at least 1s")
    if since is not None:
        back = seconds(since, "--since")
        plan = Plan.history(seed, now - back * NS, back, rate)
    elif start is not None:
        begin = _time(start)
        length = length or (now - begin) // NS
        if length < 1:
            raise InvalidInput(f"--start {start} is in the future; give a --duration as well")
        plan = Plan.history(seed, begin, length, rate)
    else:
        plan = Plan.live(seed, now, length, rate)
    return plan.with_faults(tuple(parse_fault(spec, plan.start) for spec in faults))


def _time(value: str) -> int:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise InvalidInput(f"--start is {value!r}; expected a time such as 2026-10-25T15:00:00Z") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(moment.timestamp()) * NS


def _sink(settings: Settings, url: str | None, key: str | None, out: Path | None, dry_run: bool) -> Sink:
    if dry_run:
        return Count()
    if out is not None:
        return Files(out)
    return Sender(*resolve(settings, url, key))


def _drive(plan: Plan, sink: Sink, truth: Path | None, live: bool, console: Console, as_json: bool) -> int:
    stop = threading.Event()
    for number in (
        signal.SIGINT,
        signal.SIGTERM,
    ):  # a shell starts what it puts behind `&` with SIGINT ignored
        signal.signal(number, signal.default_int_handler)
    began = time.monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[sent]}"))
    clocks = (TimeElapsedColumn(),) if live else (TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, *clocks, console=console, disable=as_json or not console.is_terminal) as bar:
        task = bar.add_task("live" if live else "history", total=plan.duration, sent="")

        def told(reached: int) -> None:
            sent = f"{sum(sink.totals.records.values()):,} records"
            bar.update(task, completed=(reached - plan.start) / NS, sent=sent)

        def paced(until: int) -> None:
            stop.wait(max(until - time.time_ns(), 0) / NS)

        run = Run(plan, sink, truth=truth, progress=told, **({"wait_until": paced} if live else {}))
        interrupted = False
        try:
            run()
        except KeyboardInterrupt:
            interrupted = True
    _report(plan, run, sink, time.monotonic() - began, console, as_json)
    if sink.totals.rejected:
        return _FAILED
    return 130 if interrupted and not live else _FINISHED


def _report(plan: Plan, run: Run, sink: Sink, elapsed: float, console: Console, as_json: bool) -> None:
    totals = sink.totals
    summary: dict[str, Any] = {
        "seed": plan.seed,
        "start": datetime.fromtimestamp(plan.start / NS, UTC).isoformat(),
        "end": datetime.fromtimestamp(run.reached / NS, UTC).isoformat(),
        "rate": plan.rate,
        "accepted": {name: totals.records[name] for name in ("logs", "traces", "metrics")},
        "rejected": dict(totals.rejected),
        "payloads": totals.payloads,
        "bytes": totals.bytes,
        "retries": totals.retries,
        "elapsed_s": round(elapsed, 3),
        "faults": run.truth.lines(run.reached),
    }
    if as_json:
        sys.stdout.write(json.dumps(summary, ensure_ascii=False) + "\n")
        return
    records = ", ".join(f"{count:,} {name}" for name, count in summary["accepted"].items())
    console.print(f"{records} in {elapsed:.1f} s, {totals.retries} retries", highlight=False)
    if totals.rejected:
        console.print(
            f"refused: {dict(totals.rejected)}: {totals.first_rejection}", style="red", highlight=False
        )
