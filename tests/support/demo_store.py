"""Telemetry of the demo's shop in the engine of the unit tests: short stretches of it, decoded and inserted as ingest
would."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from airis_ray.demo.engine import World
from airis_ray.demo.faults import parse_fault
from airis_ray.demo.plan import Plan
from airis_ray.store import Store
from airis_ray.telemetry.otlp import decode
from airis_ray.telemetry.sessions import route_sessions

NS = 10**9
FAULTS = ("bad-deploy", "payment-declined", "slow-db", "memory-leak", "dns-failure")
_ROWS = 100_000


async def fill(
    store: Store,
    tenant: str,
    stretches: Iterable[tuple[int, int, bool]],
    *,
    rate: float = 0.2,
    seed: int = 11,
) -> dict[str, int]:
    """Write the shop's telemetry of each stretch (start and end in nanoseconds, and whether with metrics).

    Returns the rows of each table. Every stretch is a run of the demo of its own, with its usual faults on.
    """
    waiting: dict[str, list[pa.RecordBatch]] = {}
    written: dict[str, int] = {}
    for start, end, metrics in stretches:
        plan = Plan.history(seed, start, max((end - start) // NS, 1), rate)
        plan = plan.with_faults(tuple(parse_fault(name, plan.start) for name in FAULTS))
        world = World(plan)
        for first, last in world.blocks():
            for payload in world.block(first, last):
                if payload.signal == "metrics" and not metrics:
                    continue
                decoded = decode(payload.signal, payload.body, tenant=tenant, received_ns=0)
                tables = route_sessions(decoded.tables) if payload.signal == "logs" else decoded.tables
                for name, batch in tables.items():
                    waiting.setdefault(name, []).append(batch)
        if sum(batch.num_rows for batches in waiting.values() for batch in batches) > _ROWS:
            await _flush(store, waiting, written)
    await _flush(store, waiting, written)
    return written


async def _flush(store: Store, waiting: dict[str, list[pa.RecordBatch]], written: dict[str, int]) -> None:
    for name, batches in waiting.items():
        table = pa.Table.from_batches(batches)
        await store.insert(name, table)
        written[name] = written.get(name, 0) + table.num_rows
    waiting.clear()


def ends_of(windows: Iterable[tuple[int, int, bool]], length: int = 900 * NS) -> list[tuple[int, int, bool]]:
    """The first and the last part of each window, overlapping ones as one: enough to tell its bounds from others."""
    parts = []
    for start, end, metrics in windows:
        if end - start <= 2 * length:
            parts.append((start, end, metrics))
        else:
            parts += [(start, start + length, metrics), (end - length, end, metrics)]
    merged: list[tuple[int, int, bool]] = []
    for start, end, metrics in sorted(parts):
        if merged and start <= merged[-1][1]:
            first, last, some = merged[-1]
            merged[-1] = (first, max(last, end), some or metrics)
        else:
            merged.append((start, end, metrics))
    return merged
