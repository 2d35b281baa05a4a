"""`airis up | settings | version`: what needs nothing running."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from airis_ray import __version__
from airis_ray.commands.output import JsonFlag, show, table
from airis_ray.settings import Settings, described


def up(
    config: Annotated[Path | None, typer.Option(help="Serve configuration (./serve_config.yaml)")] = None,
    demo: Annotated[bool | None, typer.Option(help="send demo traffic (asked at a terminal)")] = None,
    verbose: Annotated[bool, typer.Option(help="print what serve run prints")] = False,
) -> None:
    """Start everything on this machine, say when it is ready, stop on Ctrl-C."""
    from airis_ray.launch.up import Options
    from airis_ray.launch.up import up as run

    raise typer.Exit(run(Options(config, demo, verbose), lambda line: print(line, flush=True)))


def settings(as_json: JsonFlag = False) -> None:
    """Every AIRIS_* variable: its value here, its default, what it is for."""
    rows = described(Settings.from_env())
    show(rows, as_json, lambda: table(rows))


def version(as_json: JsonFlag = False) -> None:
    """The version."""
    show({"version": __version__}, as_json, lambda: print(__version__))
