"""`airis keys add`: attribute keys with a column of their own, which filters on them read in place of the whole map."""

from __future__ import annotations

from typing import Annotated

import typer

from airis_ray.commands.output import JsonFlag, show
from airis_ray.commands.store import with_store
from airis_ray.errors import InvalidInput
from airis_ray.settings import Settings
from airis_ray.store.keys import add_hot_key

app = typer.Typer(no_args_is_help=True, help="Attribute keys that have a column of their own.")

_TARGETS = {
    "logs": ("otel_logs", "LogAttributes"),
    "traces": ("otel_traces", "SpanAttributes"),
}


@app.callback()
def _group() -> None:
    """Attribute keys that have a column of their own."""


@app.command()
def add(
    key: Annotated[str, typer.Argument(help="attribute key, such as app.country")],
    signal: Annotated[str, typer.Option(help="logs or traces")] = "traces",
    resource: Annotated[bool, typer.Option("--resource", help="a resource attribute")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Give an attribute key a column of its own; searches use it at once."""
    if signal not in _TARGETS:
        raise InvalidInput(f"--signal {signal!r}: expected logs or traces")
    table, column = _TARGETS[signal]
    column = "ResourceAttributes" if resource else column
    name = with_store(Settings.from_env(), lambda store: add_hot_key(store, table, column, key))
    show({"table": table, "column": name}, as_json, lambda: print(f"{table}.{name}"))
