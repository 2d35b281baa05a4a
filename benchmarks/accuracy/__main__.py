"""``python -m benchmarks.accuracy --data FOLDER [--only tsb nab]`` measures and writes docs/accuracy.md by sections.

Exit code 1 where a section is below its floor; the others are written all the same.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

from benchmarks.accuracy import demo, forecast, nab, tsb, watcher

SECTIONS: Final[dict[str, Callable[[Path], str]]] = {
    "tsb": tsb.run,
    "nab": nab.run,
    "demo": lambda _: demo.run(),
    "watcher": lambda _: watcher.run(),
    "forecast": forecast.run,
}
PAGE: Final = Path(__file__).parents[2] / "docs" / "accuracy.md"
HEAD: Final = """# Accuracy

Written by `python -m benchmarks.accuracy --data FOLDER` from public data that is not part of this repository.
"""


def stamped(section: str) -> str:
    """With the day, the machine and the versions it was measured with."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("numpy", "torch"))
    day = datetime.now(UTC).date().isoformat()
    return f"{section.rstrip()}\n\n*{day}, {platform.machine()}, Python {platform.python_version()}, {versions}*\n"


def replaced(page: str, section: str) -> str:
    """The page with ``section`` in the place of the one with the same heading, or at its end."""
    heading = section.partition("\n")[0]
    found = re.compile(rf"^{re.escape(heading)}$.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
    if found.search(page):
        return found.sub(lambda _: section + "\n", page)
    return f"{page.rstrip()}\n\n{section}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("AIRIS_TEST_DATA"), required=False)
    parser.add_argument("--only", nargs="*", choices=SECTIONS, default=list(SECTIONS))
    given = parser.parse_args()
    if given.data is None:
        print("no data: give --data FOLDER or AIRIS_TEST_DATA", file=sys.stderr)
        return 2
    below = 0
    for name in given.only:
        try:
            section = stamped(SECTIONS[name](given.data))
        except AssertionError as error:
            print(f"{name}: {error}", file=sys.stderr)
            below = 1
            continue
        page = PAGE.read_text(encoding="utf-8") if PAGE.exists() else HEAD
        PAGE.write_text(replaced(page, section).rstrip() + "\n", encoding="utf-8")
    return below


if __name__ == "__main__":
    sys.exit(main())
