"""``airis demo`` from the outside: options, files, summaries, one-line errors."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from typer.testing import CliRunner, Result

from airis_ray.demo.cli import app, make_plan
from airis_ray.demo.plan import HISTORY_RATE, LIVE_RATE
from airis_ray.demo.run import Run
from airis_ray.demo.season import NS
from airis_ray.demo.send import Count
from airis_ray.errors import InvalidInput

NOW = 1_793_000_000 * NS + 5
SOME = ("--start", "2026-10-25T15:00:00Z", "--duration", "2m", "--rate", "1", "--json")


def _run(*options: str, cwd: Path, environ: dict[str, str] | None = None) -> Result:
    truth = ("--faults-file", str(cwd / "faults.jsonl"))
    return CliRunner().invoke(
        app, [*options, *truth], env={"AIRIS_DATA_DIR": str(cwd / "data"), **(environ or {})}
    )


def test_a_dry_run_counts_and_writes_nothing(tmp_path: Path) -> None:
    result = _run(*SOME, "--dry-run", "--fault", "slow-db", cwd=tmp_path)
    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout)
    assert summary["accepted"]["traces"] > 100
    assert min(summary["accepted"].values()) > 0
    assert [fault["name"] for fault in summary["faults"]] == ["slow-db"]
    assert list(tmp_path.iterdir()) == []


def test_out_writes_the_payloads_and_the_ground_truth(tmp_path: Path) -> None:
    result = _run(*SOME, "--out", str(tmp_path / "otlp"), "--fault", "bad-deploy@30s:1m", cwd=tmp_path)
    assert result.exit_code == 0, result.output
    accepted = json.loads(result.stdout)["accepted"]
    written = dict.fromkeys(accepted, 0)
    for path in sorted((tmp_path / "otlp").iterdir()):
        _, signal, records = path.stem.split("-")
        written[signal] += int(records)
    assert written == accepted
    traces = next(path for path in sorted((tmp_path / "otlp").iterdir()) if "traces" in path.name)
    assert ExportTraceServiceRequest.FromString(traces.read_bytes()).resource_spans
    (line,) = (tmp_path / "faults.jsonl").read_text().splitlines()
    assert json.loads(line)["name"] == "bad-deploy"


def test_ground_truth_is_appended(tmp_path: Path) -> None:
    for _ in range(2):
        _run(*SOME, "--out", str(tmp_path / "otlp"), "--fault", "slow-db", cwd=tmp_path)
    assert len((tmp_path / "faults.jsonl").read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--fault", "slow-bd", "--dry-run"), "did you mean slow-db?"),
        (("--since", "7d", "--duration", "1h"), "--since cannot be used together"),
        (("--since", "yesterday"), "--since is 'yesterday'"),
        (("--start", "25 October"), "--start is '25 October'"),
        (("--start", "2999-01-01T00:00:00Z"), "is in the future"),
        (("--duration", "0s"), "--duration must be at least 1s"),
    ],
)
def test_wrong_options_are_one_line(options: tuple[str, ...], told: str, tmp_path: Path) -> None:
    result = _run(*options, cwd=tmp_path)
    assert result.exit_code == 2
    assert told in result.output
    assert "Traceback" not in result.output


def test_an_unwritable_ground_truth_is_told_before_anything_is_sent(tmp_path: Path) -> None:
    options = [*SOME, "--out", str(tmp_path / "otlp"), "--faults-file", str(tmp_path)]
    result = CliRunner().invoke(app, options, env={"AIRIS_DATA_DIR": str(tmp_path)})
    assert result.exit_code == 2
    assert "--faults-file" in result.output


def test_a_wrong_variable_is_one_line(tmp_path: Path) -> None:
    result = _run(*SOME, "--dry-run", cwd=tmp_path, environ={"AIRIS_HTTP_PROT": "1"})
    assert result.exit_code == 2
    assert "AIRIS_HTTP_PORT" in result.output


def test_since_is_history_until_now() -> None:
    plan = make_plan(1, None, None, "7d", None, [], now=NOW)
    assert (plan.start, plan.duration, plan.rate) == (
        NOW // NS * NS - 7 * 86_400 * NS,
        7 * 86_400,
        HISTORY_RATE,
    )


def test_a_start_alone_is_history_until_now() -> None:
    plan = make_plan(1, "2026-10-25T15:00:00+00:00", None, None, 3.0, ["slow-db@1h"], now=NOW)
    assert plan.end <= NOW < plan.end + NS
    assert plan.rate == 3.0
    assert plan.faults[0].start == plan.start + 3600 * NS


def test_without_times_it_is_live() -> None:
    plan = make_plan(1, None, None, None, None, [], now=NOW)
    assert (plan.start, plan.duration, plan.rate) == (NOW // NS * NS, None, LIVE_RATE)


def test_a_fault_of_an_endless_run_is_told_when_it_stops(tmp_path: Path) -> None:
    plan = make_plan(1, None, None, None, None, ["slow-db", "dns-failure@1s:3s", "kafka-lag@1h"], now=NOW)
    truth = tmp_path / "faults.jsonl"

    def stop(reached: int) -> None:
        if reached >= plan.start + 10 * NS:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Run(plan, Count(), truth=truth, progress=stop)()
    lines = {line["name"]: line for line in map(json.loads, truth.read_text().splitlines())}
    assert set(lines) == {"slow-db", "dns-failure"}
    assert lines["slow-db"]["end"] > lines["dns-failure"]["end"] > lines["slow-db"]["start"]


def test_an_unknown_duration_names_the_option() -> None:
    with pytest.raises(InvalidInput, match="--duration is '1 hour'"):
        make_plan(1, None, "1 hour", None, None, [], now=NOW)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_live_traffic_put_behind_ends_on_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    """A script's `airis demo &` starts with SIGINT ignored."""
    command = [sys.executable, "-m", "airis_ray.cli", "demo", "--out", str(tmp_path / "out"), "--rate", "1"]
    command += ["--faults-file", str(tmp_path / "faults.jsonl"), "--json"]
    ignored = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        demo = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path)
    finally:
        signal.signal(signal.SIGINT, ignored)
    try:
        deadline = time.monotonic() + 60
        while not any((tmp_path / "out").glob("*")) and time.monotonic() < deadline:
            time.sleep(0.05)
        demo.send_signal(number)
        out, _ = demo.communicate(timeout=30)
    finally:
        demo.kill()
    assert json.loads(out)["seed"] == 1
    assert demo.returncode == 0
