"""`airis keys add`: attribute keys with a column of their own, which filters on them read in place of whole maps."""

from __future__ import annotations

from typing import Annotated

import typer

from airis_ray.analytics.conventions import keys_of
from airis_ray.commands.output import JsonFlag, show
from airis_ray.commands.store import with_store
from airis_ray.errors import InvalidInput
from airis_ray.settings import Settings
from airis_ray.store import Store
from airis_ray.store.keys import add_hot_key

app = typer.Typer(no_args_is_help=True, help="Attribute keys that have a column of their own.")

_TABLES = {"logs": "otel_logs", "traces": "otel_traces", "sessions": "hyperdx_sessions"}


@app.callback()
def _group() -> None:
    """Attribute keys that have a column of their own."""


@app.command()
def add(
    key: Annotated[str, typer.Argument(help="attribute key, such as app.country")],
    signal: Annotated[str, typer.Option(help="logs, traces or sessions")] = "traces",
    as_json: JsonFlag = False,
) -> None:
    """Give an attribute key a column of its own; searches use it within a minute.

    The column holds the key of the record or else of its resource. The key's name in the other semantic convention
    gets one too: a search looks for both.
    """
    if signal not in _TABLES:
        raise InvalidInput(f"--signal {signal!r}: expected {', '.join(_TABLES)}")
    table = _TABLES[signal]

    async def added(store: Store) -> list[str]:
        return [await add_hot_key(store, table, each) for each in keys_of(key)]

    names = with_store(Settings.from_env(), added)
    show(
        {"table": table, "columns": names},
        as_json,
        lambda: print(*(f"{table}.{name}" for name in names), sep="\n"),
    )
