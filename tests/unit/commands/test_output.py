"""What commands print: rows as JSON has them, tables that stay whole where nobody looks at a terminal."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest

from airis_ray.cli import application
from airis_ray.commands.output import records, table

MAP = pa.map_(pa.string(), pa.string())


def test_rows_have_times_and_maps_as_the_api_writes_them() -> None:
    answer = pa.table(
        {
            "Timestamp": pa.array([1_700_000_000_000_000_001], pa.timestamp("ns", tz="Etc/UTC")),
            "Attributes": pa.array([[("a", "1"), ("b", "2")]], MAP),
            "Events": pa.array([[[("x", "y")]]], pa.list_(MAP)),
        }
    )
    assert records(answer) == [
        {
            "Timestamp": "2023-11-14T22:13:20.000000001Z",
            "Attributes": {"a": "1", "b": "2"},
            "Events": [{"x": "y"}],
        }
    ]
    assert records(answer.slice(0, 0)) == []


def test_a_row_stays_on_its_line_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    table([{"name": "n" * 300, "body": "결제 " * 100}])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[1].rstrip().endswith("결제")


def test_the_version_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    application("version")(["version", "--json"], standalone_mode=False)
    assert set(json.loads(capsys.readouterr().out)) == {"version"}
