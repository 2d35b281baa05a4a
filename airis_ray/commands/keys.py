"""`airis key create | list | revoke`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from airis_ray.client import connect
from airis_ray.commands.output import JsonFlag, KeyOption, UrlOption, show, table

app = typer.Typer(no_args_is_help=True, help="API keys: create, list, revoke.")


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="what the key is for")],
    scope: Annotated[list[str] | None, typer.Option(help="ingest, read, write or admin (repeatable)")] = None,
    tenant: Annotated[str | None, typer.Option(help="tenant (default: the caller's)")] = None,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Make a key and print it; it is kept as a hash and cannot be shown again."""
    body: dict[str, Any] = {"name": name, "scopes": scope or ["ingest", "read"]}
    body |= {"tenant": tenant} if tenant else {}
    with connect(url, key) as air:
        made = air.post("/api/keys", body)
    show(made, as_json, lambda: print(made["key"]))


@app.command("list")
def list_keys(url: UrlOption = None, key: KeyOption = None, as_json: JsonFlag = False) -> None:
    """The keys, without their secrets."""
    with connect(url, key) as air:
        rows = air.get("/api/keys")
    show(rows, as_json, lambda: table(rows))


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(help="the key's id")],
    url: UrlOption = None,
    key: KeyOption = None,
) -> None:
    """Revoke a key; it stops working within seconds."""
    with connect(url, key) as air:
        air.delete(f"/api/keys/{key_id}")
    print(f"revoked {key_id}")
