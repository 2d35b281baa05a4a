"""Settings of the way in: ingest, what it lifts out of lines, its counts."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from airis_ray.settings.values import Bytes, Group, Seconds

_ORIGIN: Final = re.compile(r"\*|https?://(?:\*\.)?[A-Za-z0-9.-]+(?::\d{1,5})?")


def _checked_origins(text: str) -> str:
    for item in filter(None, map(str.strip, text.split(","))):
        if not _ORIGIN.fullmatch(item):
            raise ValueError(f"expected an origin such as https://shop.example, got {item!r}")
    return text


class IngestSettings(Group):
    """Bounds of the way in."""

    max_body_bytes: Bytes = Field(
        16 * 2**20, gt=0, description="size limit of one request, also after decompression"
    )
    max_pending_bytes: Bytes = Field(
        256 * 2**20, gt=0, description="decoded bytes held before the store; past it 503"
    )
    origins: Annotated[str, AfterValidator(_checked_origins)] = Field(
        "",
        description="origins of pages that may send from browsers, https://shop.example,https://*.example.org; * all",
    )
    commit_rows: int = Field(50_000, gt=0, description="rows that close a group before its time is up")
    commit_interval: Seconds = Field(0.2, gt=0, description="longest wait of the first row of a group")
    commit_timeout: Seconds = Field(30.0, gt=0, description="longest wait for a commit before 503")


class LogSettings(Group):
    """What is lifted out of plain log lines (of Loki, Elasticsearch, Splunk; OTLP's are kept as they came)."""

    infer_severity: bool = Field(
        True, description="a line without a severity gets the one that its text names"
    )
    parse_json: bool = Field(
        True, description="a line that is a JSON object becomes its message and attributes"
    )


class AccountSettings(Group):
    """The counts of what became of every record."""

    interval: Seconds = Field(
        5.0, gt=0, description="how often an ingest replica writes its counts: what kill -9 takes with it"
    )
