"""`airis model list | rollback | delete`: models of one's own; a notebook registers them."""

from __future__ import annotations

from typing import Annotated

import typer

from airis_ray.client import connect
from airis_ray.commands.output import JsonFlag, KeyOption, UrlOption, show, table

app = typer.Typer(no_args_is_help=True, help="Models of one's own: list, roll back, delete.")

_SHOWN = ("name", "version", "serving", "output", "width", "bytes", "created", "created_by")


@app.command("list")
def list_models(url: UrlOption = None, key: KeyOption = None, as_json: JsonFlag = False) -> None:
    """The tenant's models, a row a version."""
    with connect(url, key) as air:
        rows = air.models.list().arrow().to_pylist()
    show(rows, as_json, lambda: table(rows, _SHOWN))


@app.command()
def rollback(
    name: Annotated[str, typer.Argument(help="the model's name")],
    version: Annotated[
        str | None, typer.Option(help="the version to serve (default: the one before)")
    ] = None,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Let an earlier version of a model serve again."""
    with connect(url, key) as air:
        answer = air.models.rollback(name, version)
    show(answer, as_json, lambda: print(f"{name}@{answer['serving']} serves"))


@app.command()
def delete(
    name: Annotated[str, typer.Argument(help="the model's name")],
    version: Annotated[
        str | None, typer.Option(help="a version that does not serve (default: the whole model)")
    ] = None,
    url: UrlOption = None,
    key: KeyOption = None,
) -> None:
    """Delete a model, or one version of it."""
    with connect(url, key) as air:
        air.models.delete(name, version)
    print(f"deleted {name}" + (f"@{version}" if version else ""))
