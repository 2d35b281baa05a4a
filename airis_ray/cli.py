"""The `airis` command."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from airis_ray import __version__
from airis_ray.commands import data, keys, store
from airis_ray.commands.output import JsonFlag, show, table
from airis_ray.demo.cli import demo
from airis_ray.errors import AirisError
from airis_ray.settings import Settings, described

app = typer.Typer(
    name="airis",
    help="AIRIS-Ray: telemetry in, what is wrong and why out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command()(demo)
app.command()(data.status)
app.command()(data.query)
app.command()(data.sql)
app.command()(store.migrate)
app.add_typer(keys.app, name="key", help="API keys: create, list, revoke.")


@app.command()
def up(
    config: Annotated[
        Path | None, typer.Option(help="Serve configuration (default: ./serve_config.yaml)")
    ] = None,
    demo: Annotated[bool | None, typer.Option(help="send demo traffic (asked at a terminal)")] = None,
    verbose: Annotated[bool, typer.Option(help="print what serve run prints")] = False,
) -> None:
    """Start everything on this machine, say when it is ready, stop on Ctrl-C."""
    from airis_ray.launch.up import Options
    from airis_ray.launch.up import up as run

    raise typer.Exit(run(Options(config, demo, verbose), lambda line: print(line, flush=True)))


@app.command()
def settings(as_json: JsonFlag = False) -> None:
    """Every AIRIS_* variable: its value here, its default, what it is for."""
    rows = described(Settings.from_env())
    show(rows, as_json, lambda: table(rows))


@app.command()
def version() -> None:
    """The version."""
    print(__version__)


def main() -> None:
    """Entry point: an error of ours is one line on stderr and status 1."""
    try:
        app()
    except AirisError as error:
        print(f"airis: {error}", file=sys.stderr)
        sys.exit(1)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)


if __name__ == "__main__":
    main()
