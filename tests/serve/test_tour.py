"""The README's tour over an hour of the demo: the command, every analytics call, the notebook."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
import ray
from nbclient import NotebookClient

from airis_ray.client import Connection
from tests.serve.conftest import ROOT, Instance

SERVICES = {
    "frontend", "cart", "checkout", "payment", "shipping", "product-catalog", "recommendation", "ad", "email",
    "currency", "quote", "accounting", "fraud-detection",
}  # fmt: skip


@pytest.fixture(scope="module")
def shop(air: Instance) -> Iterator[Connection]:
    done = air.airis("demo", "--since", "20m", "--seed", "7", "--json", timeout=300.0)
    assert done.returncode == 0, done.stderr
    with air.connect() as client:
        yield client


def _answer(air: Instance, *arguments: str) -> Any:
    done = air.airis(*arguments, "--json")
    assert done.returncode == 0, done.stdout[:4000] + done.stderr
    return json.loads(done.stdout)


def test_every_service_is_seen(shop: Connection) -> None:
    rows = {row["name"]: row for row in shop.services("now-30m").arrow().to_pylist()}
    assert set(rows) >= SERVICES
    assert all(rows[name]["requests"] > 0 for name in ("frontend", "checkout", "payment"))


def test_the_map_has_the_calls(shop: Connection) -> None:
    edges = {(edge["source"], edge["target"]) for edge in shop.service_map("now-30m")["edges"]}
    assert {("frontend", "checkout"), ("checkout", "payment"), ("shipping", "quote")} <= edges


def test_search_pages_through_everything(shop: Connection) -> None:
    counted = shop.timeseries("logs", "service:frontend", start="now-30m", end="now-1m", step="29m").series
    rows = shop.logs("service:frontend", "now-30m", "now-1m", limit=1_000_000, fields=["Timestamp"])
    assert len(rows) > 0
    assert (
        abs(len(rows) - sum(counted[0]["values"])) <= len(rows) * 0.02
    )  # the two ranges end at different nows


def test_korean_is_found_inside_words(shop: Connection) -> None:
    bodies = shop.logs("결제", "now-30m", limit=50, fields=["body"]).arrow().column(0).to_pylist()
    assert bodies
    assert all("결제" in body for body in bodies)


def test_frames_take_every_form(shop: Connection) -> None:
    frame = shop.traces("SpanKind:Server service:cart", "now-30m", "now-1m", limit=500)
    assert frame.polars().height == frame.pandas().shape[0] == frame.arrow().num_rows == len(frame) > 0


def test_a_dataset_holds_every_row(shop: Connection) -> None:
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, configure_logging=False)
    try:
        frame = shop.traces("service:frontend", "now-15m", "now-5m", limit=10_000_000, fields=["Timestamp"])
        assert abs(frame.ray().count() - len(frame)) <= len(frame) * 0.02
    finally:
        ray.shutdown()


def test_the_command_tells_the_same(air: Instance, shop: Connection) -> None:
    status = _answer(air, "status")
    assert status["ready"] is True
    assert {"store", "ingest", "analytics", "gateway"} <= set(status["parts"])
    assert len(_answer(air, "query", "level:error", "--limit", "3", "--from", "now-30m")) == 3
    assert _answer(air, "sql", "SELECT {x:UInt8} + 1 AS y", "-p", "x=1") == [{"y": 2}]
    assert _answer(air, "migrate", "--dry-run") == []


def test_a_key_of_another_tenant_sees_nothing(air: Instance, shop: Connection) -> None:
    made = _answer(air, "key", "create", "visitor", "--scope", "read", "--tenant", "visitors")
    with air.connect(made["key"]) as visitor:
        assert len(visitor.services("now-30m")) == 0
        assert len(visitor.traces("", "now-30m")) == 0
        assert visitor.sql("SELECT count() AS n FROM otel_traces").arrow().to_pylist() == [{"n": 0}]


@pytest.mark.parametrize(("name", "drawn"), [("quickstart", 3), ("anomalies_and_forecasts", 6)])
def test_the_notebooks_run(
    air: Instance, shop: Connection, monkeypatch: pytest.MonkeyPatch, name: str, drawn: int
) -> None:
    for variable, value in air.environ.items():
        monkeypatch.setenv(variable, value)
    notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    NotebookClient(notebook, timeout=180, resources={"metadata": {"path": str(ROOT)}}).execute()
    pictures = [
        output
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
        or "data:image/png" in output.get("data", {}).get("text/html", "")
    ]
    assert len(pictures) == drawn
    nbformat.write(notebook, Path(air.data_dir) / f"{name}.ipynb")
