"""``python -m airis_ray.store.embedded --path DIR --port N``: the embedded store as a process of its own."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from airis_ray.errors import AirisError
from airis_ray.settings import Settings
from airis_ray.store.embedded.process import run


def main(arguments: list[str] | None = None) -> int:
    """Serve until a signal; 1 and one line on standard error where that cannot begin."""
    parser = argparse.ArgumentParser(prog="python -m airis_ray.store.embedded", description=__doc__)
    parser.add_argument("--path", type=Path, help="data folder (AIRIS_DATA_DIR)")
    parser.add_argument("--port", type=int, help="loopback port (AIRIS_STORE_PORT)")
    options = parser.parse_args(arguments)
    try:
        settings = Settings.from_env()
        store = settings.store.model_copy(update={"port": options.port} if options.port else {})
        folder = {"data_dir": options.path} if options.path else {}
        run(settings.model_copy(update={"store": store, **folder}))
    except AirisError as problem:
        print(f"airis: {problem}", file=sys.stderr)  # noqa: T201 - the line for whoever started it
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
