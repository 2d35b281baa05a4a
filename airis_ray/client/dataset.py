"""A search as a Ray Data dataset: time ranges of about equally many rows, each read and streamed by a task."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from airis_ray.client.http import Http

if TYPE_CHECKING:
    import ray.data

PAGE = 10_000
ROWS_A_TASK = 100_000
_BUCKETS = 1_000
_TASKS = 256


def search_dataset(url: str, key: str | None, timeout: float, body: dict[str, Any]) -> ray.data.Dataset:
    """Every row that the search ``body`` finds. The range is fixed now, so that all tasks read the same one."""
    import ray.data

    http = Http(url, key, timeout)
    try:
        ranges = split(*_counts(http, body), ROWS_A_TASK, _TASKS)
    finally:
        http.close()
    parts = [{"start": start, "end": end} for start, end in ranges]
    dataset = ray.data.from_items(parts, override_num_blocks=len(parts))
    arguments = {"url": url, "key": key, "timeout": timeout, "body": body}
    return dataset.map_batches(
        _read, batch_size=1, batch_format="numpy", fn_kwargs=arguments, zero_copy_batch=True
    )


def split(edges: np.ndarray, counts: np.ndarray, rows: int, most: int) -> list[tuple[int, int]]:
    """Cut ``edges`` (int64 ns, one more than ``counts``) into at most ``most`` ranges of about ``rows`` rows.

    The ranges touch each other and cover everything from the first edge to the last.
    """
    total = int(counts.sum())
    parts = max(1, min(most, -(-total // rows)))
    targets = np.arange(1, parts) * (total / parts)
    cuts = np.searchsorted(np.cumsum(counts), targets) + 1
    bounds = np.unique(np.concatenate(([0], cuts, [len(counts)])))
    return [(int(edges[low]), int(edges[high])) for low, high in zip(bounds[:-1], bounds[1:], strict=True)]


def _counts(http: Http, body: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Rows by bucket of the search's range, and the buckets' edges in nanoseconds."""
    question = {"signal": body["signal"], "query": body["query"], "from": body["from"], "to": body["to"]}
    answer = http.json("POST", "/api/analytics/timeseries", question | {"aggregate": "count"})
    starts = np.array([stamp.rstrip("Z") for stamp in answer["timestamps"]], dtype="datetime64[ns]").astype(
        np.int64
    )
    counts = np.array(
        answer["series"][0]["values"] if answer["series"] else [0] * len(starts), dtype=np.int64
    )
    end = np.datetime64(answer["to"].rstrip("Z"), "ns").astype(np.int64)
    return np.append(starts, end), counts


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
