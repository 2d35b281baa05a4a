"""The `airis` command."""

from __future__ import annotations

import sys
from importlib import import_module

import typer

from airis_ray.errors import AirisError

_COMMANDS = {
    "up": "airis_ray.commands.start:up",
    "status": "airis_ray.commands.data:status",
    "query": "airis_ray.commands.data:query",
    "sql": "airis_ray.commands.data:sql",
    "detect": "airis_ray.commands.detect:detect",
    "demo": "airis_ray.demo.cli:demo",
    "key": "airis_ray.commands.keys:app",
    "keys": "airis_ray.commands.columns:app",
    "migrate": "airis_ray.commands.store:migrate",
    "rollups": "airis_ray.commands.rollups:rollups",
    "dlq": "airis_ray.commands.dlq:app",
    "model": "airis_ray.commands.models:app",
    "kube": "airis_ray.commands.kube:app",
    "settings": "airis_ray.commands.start:settings",
    "version": "airis_ray.commands.start:version",
}


def application(asked: str | None = None) -> typer.Typer:
    """The command line. Only the module of the command ``asked`` for is imported: a mistake is told at once."""
    app = typer.Typer(
        help="AIRIS-Ray: telemetry in, what is wrong and why out.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback()(_root)
    for name, target in _COMMANDS.items():
        if asked in _COMMANDS and asked != name:
            continue
        module, _, attribute = target.partition(":")
        command = getattr(import_module(module), attribute)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)
    return app


def _root() -> None:
    """AIRIS-Ray: telemetry in, what is wrong and why out."""


def main() -> None:
    """Entry point: an error of ours is one line on stderr and status 1."""
    try:
        application(sys.argv[1] if len(sys.argv) > 1 else None)(prog_name="airis")
    except AirisError as error:
        print(f"airis: {error}", file=sys.stderr)
        sys.exit(1)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)


if __name__ == "__main__":
    main()
