"""Files that are made from other files: written anew, or compared with what they should say."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path


def write_or_check(files: Iterable[tuple[Path, str]], root: Path, origin: str, about: str | None) -> int:
    """The command line of such a script; its exit status, 1 where ``--check`` finds a difference.

    ``files`` are (file below ``root``, what it must say), ``origin`` what they are made from, ``about`` the help text.
    """
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--check", action="store_true", help="change nothing; exit status 1 on a difference")
    check = parser.parse_args().check
    stale = 0
    for path, text in files:
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        stale += 1
        if check:
            print(f"{path.relative_to(root)} is not what {origin} says", file=sys.stderr)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path.relative_to(root)}")
    return 1 if check and stale else 0
