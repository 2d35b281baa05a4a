"""A search as a Ray Data dataset: time ranges of about equally many rows, each read and streamed by a task."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from airis_ray.client.http import Http
from airis_ray.telemetry.times import TimeRange, parse_range

if TYPE_CHECKING:
    import ray.data

PAGE = 10_000
ROWS_A_TASK = 100_000
_TASKS = 256


def search_dataset(url: str, key: str | None, timeout: float, body: dict[str, Any]) -> ray.data.Dataset:
    """Every row that the search ``body`` finds. The range is fixed now, so that all tasks read the same one."""
    import ray.data

    whole = parse_range(body["from"], body["to"], time.time_ns())
    http = Http(url, key, timeout)
    try:
        ranges = split(*_counts(http, body, whole), ROWS_A_TASK, _TASKS)
    finally:
        http.close()
    parts = [{"start": start, "end": end} for start, end in ranges]
    dataset = ray.data.from_items(parts, override_num_blocks=len(parts))
    arguments = {"url": url, "key": key, "timeout": timeout, "body": body}
    return dataset.map_batches(_read, batch_size=1, batch_format="numpy", fn_kwargs=arguments)


def split(edges: np.ndarray, counts: np.ndarray, rows: int, most: int) -> list[tuple[int, int]]:
    """Cut ``edges`` (int64 ns, one more than ``counts``) into at most ``most`` ranges of about ``rows`` rows.

    The ranges touch each other and cover everything from the first edge to the last.
    """
    total = int(counts.sum())
    parts = max(1, min(most, -(-total // rows)))
    targets = np.arange(1, parts) * (total / parts)
    cuts = np.searchsorted(np.cumsum(counts), targets) + 1
    bounds = np.unique(np.concatenate(([0], cuts, [len(counts)])))
    return [(int(edges[low]), int(edges[high])) for low, high in pairwise(bounds)]


def _counts(http: Http, body: dict[str, Any], whole: TimeRange) -> tuple[np.ndarray, np.ndarray]:
    """Rows by bucket of the search's range, and the buckets' edges in nanoseconds."""
    if body["signal"] not in ("logs", "traces"):  # these have no counts by time, and few rows
        return np.array([whole.start_ns, whole.end_ns]), np.array([1])
    question = {"signal": body["signal"], "query": body["query"], "aggregate": "count"}
    answer = http.json(
        "POST", "/api/analytics/timeseries", question | {"from": whole.start_ns, "to": whole.end_ns}
    )
    stamps = np.array([stamp.rstrip("Z") for stamp in answer["timestamps"]], dtype="datetime64[ns]")
    counts = answer["series"][0]["values"] if answer["series"] else [0] * len(stamps)
    return np.append(stamps.astype(np.int64), whole.end_ns), np.array(counts, dtype=np.int64)


def _read(
    batch: dict[str, np.ndarray], *, url: str, key: str | None, timeout: float, body: dict[str, Any]
) -> Iterator[pa.Table]:
    http = Http(url, key, timeout)
    try:
        for start, end in zip(batch["start"], batch["end"], strict=True):
            cursor: str | None = None
            while True:
                page = (
                    body
                    | {"from": int(start), "to": int(end), "limit": PAGE}
                    | ({"cursor": cursor} if cursor else {})
                )
                table, cursor = http.table("/api/analytics/search", page)
                yield table
                if cursor is None:
                    break
    finally:
        http.close()
