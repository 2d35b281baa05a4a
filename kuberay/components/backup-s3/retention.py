"""Deletes backups that are older than BACKUP_KEEP_DAYS; the newest BACKUP_KEEP_LEAST days stay whatever their age."""

from __future__ import annotations

import os
import re
import sys
from datetime import UTC, date, datetime, timedelta

from pyarrow import fs

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def expired(days: list[str], today: date, keep_days: int, keep_least: int) -> list[str]:
    """Those of the day folders (YYYY-MM-DD) that may go, oldest first."""
    known = sorted(day for day in days if _DAY.fullmatch(day))
    spare = known[: max(0, len(known) - keep_least)]
    return [day for day in spare if date.fromisoformat(day) < today - timedelta(days=keep_days)]


def sweep(files: fs.FileSystem, root: str, today: date, keep_days: int, keep_least: int) -> list[str]:
    """Delete what has expired under ``root``; the days that went."""
    found = files.get_file_info(fs.FileSelector(root, allow_not_found=True))
    days = [info.base_name for info in found if info.type == fs.FileType.Directory]
    gone = expired(days, today, keep_days, keep_least)
    for day in gone:
        files.delete_dir(f"{root}/{day}")
    return gone


def main() -> int:
    """Read where and how long from the environment."""
    endpoint = os.environ.get("BACKUP_ENDPOINT") or None
    files = fs.S3FileSystem(
        region=os.environ["BACKUP_REGION"],
        **({"endpoint_override": endpoint} if endpoint else {}),
        request_timeout=30,
        connect_timeout=10,
    )
    gone = sweep(
        files,
        os.environ["BACKUP_BUCKET"].strip("/"),
        datetime.now(UTC).date(),
        int(os.environ["BACKUP_KEEP_DAYS"]),
        int(os.environ["BACKUP_KEEP_LEAST"]),
    )
    print(f"{len(gone)} days of backups deleted: {', '.join(gone) or 'none'}")  # noqa: T201 - the job's line
    return 0


if __name__ == "__main__":
    sys.exit(main())
