"""How commands print: tables for people, JSON for programs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Final

import orjson
import pyarrow as pa
import typer
from rich.console import Console
from rich.table import Table

from airis_ray.telemetry.times import format_times

_UNBOUNDED: Final = 100_000
"""Columns of what is no terminal."""

JsonFlag = Annotated[bool, typer.Option("--json", help="print JSON")]
UrlOption = Annotated[
    str | None, typer.Option("--url", help="AIRIS-Ray to ask (default: AIRIS_URL, else this machine's)")
]
KeyOption = Annotated[
    str | None,
    typer.Option("--key", help="API key (default: AIRIS_KEY, else the admin key of the data folder)"),
]


def show(answer: object, as_json: bool, human: Callable[[], None]) -> None:
    """Print ``answer`` as JSON, or by ``human``."""
    if as_json:
        print(
            orjson.dumps(
                answer, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY, default=str
            ).decode()
        )
    else:
        human()


def records(answer: pa.Table) -> list[dict[str, Any]]:
    """The rows as the API writes them in JSON: times in RFC 3339 with nanoseconds, maps as objects."""
    columns = [
        (format_times(column) if pa.types.is_timestamp(column.type) else column).to_pylist(
            maps_as_pydicts="lossy"
        )
        for column in answer.columns
    ]
    return [dict(zip(answer.column_names, row, strict=True)) for row in zip(*columns, strict=True)]


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str] | None = None) -> None:
    """Print rows as a table, as wide as the terminal; a row stays on its line where the output is none."""
    if not rows:
        print("nothing found")
        return
    grid = Table(box=None, pad_edge=False, header_style="bold")
    names = list(columns or rows[0])
    for name in names:
        grid.add_column(name, overflow="fold")
    for row in rows:
        grid.add_row(*(_cell(row.get(name)) for name in names))
    console = Console(soft_wrap=False, highlight=False, markup=False)
    if not console.is_terminal:
        console.width = _UNBOUNDED
    console.print(grid)


def _cell(value: object) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.4g}"
        case list() | tuple() | set() | frozenset():
            return " ".join(str(item) for item in value)
        case _:
            return str(value)
