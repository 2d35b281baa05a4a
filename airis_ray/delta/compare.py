"""One comparison from request to answer: count, sample, plan, count what was planned, rank."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import pyarrow as pa

from airis_ray.analytics.compile import query_filter
from airis_ray.analytics.conventions import keys_of
from airis_ray.analytics.fields import resolve
from airis_ray.analytics.signals import Kind, source_of
from airis_ray.analytics.sql import Sql
from airis_ray.delta import counting, sampling, statements
from airis_ray.delta.analysis import Plan, counted, findings, planned
from airis_ray.delta.answers import answer
from airis_ray.delta.asked import told_apart
from airis_ray.delta.models import CompareAnswer, CompareRequest
from airis_ray.delta.sample import LeftOut, Sample, Sampler, Values, entries
from airis_ray.delta.sampling import Cells
from airis_ray.delta.statements import Compared
from airis_ray.errors import TooLarge
from airis_ray.store import Query, Store
from airis_ray.store.keys import HotKeys
from airis_ray.telemetry.tables import TENANT_ATTRIBUTE
from airis_ray.telemetry.times import TimeRange, parse_range

_THINNINGS: Final = (1, 16, 256)
"""Parts of the range that are read where all of it, and then a 16th, take too long."""


class Comparer:
    """Compares groups of a store's events. ``budget`` is how many seconds a pass over them may take until only a part
    is read; ``monotonic`` tells seconds."""

    def __init__(self, store: Store, budget: float, monotonic: Callable[[], float]) -> None:
        self._store = store
        self._budget = budget
        self._monotonic = monotonic

    async def compare(self, request: CompareRequest, tenant: str, now_ns: int, hot: HotKeys) -> CompareAnswer:
        """The answer of a request about one tenant's events; ``hot`` says which keys have a column."""
        started = self._monotonic()
        for thinning in _THINNINGS:
            compared = _compared(request, now_ns, hot, thinning)
            try:
                found = await self._found(compared, request, tenant)
            except TooLarge:
                if thinning == _THINNINGS[-1]:
                    raise
                continue
            elapsed = (self._monotonic() - started) * 1e3
            return found.model_copy(
                update={"sampled": thinning > 1, "sample": 1 / thinning, "elapsed_ms": round(elapsed, 3)}
            )
        raise TooLarge("the comparison takes too long; choose shorter ranges")

    async def _found(self, compared: Compared, request: CompareRequest, tenant: str) -> CompareAnswer:
        cells = Cells.of(await self._run(sampling.cells(compared), tenant))
        sizes = cells.sizes
        if not sizes[0] or not sizes[1]:
            return answer(request, sizes, None, None, [])
        rows = await self._run(sampling.sample(compared, cells), tenant)
        sample, plan = await asyncio.to_thread(_planned, rows, compared)
        if cells.are_whole:
            counts = counted(sample, plan)
        else:
            statement = counting.counts(compared, plan, overlap=bool(sizes[2]))
            table = await self._run(statement, tenant, **counting.SETTINGS)
            counts = counting.read(table, plan)
        return answer(request, sizes, sample, plan, await asyncio.to_thread(findings, plan, counts))

    async def _run(self, statement: Sql, tenant: str, **settings: int) -> pa.Table:
        limits = {"max_execution_time": self._budget, **settings}
        query = Query(statement.text, statement.parameters, tenant=tenant, settings=limits)
        return (await self._store.query(query)).table


def _compared(request: CompareRequest, now_ns: int, hot: HotKeys, thinning: int) -> Compared:
    source = source_of(request.signal)
    sides, parts = [], []
    for name, group in (("target", request.target), ("baseline", request.baseline)):
        part = parse_range(group.from_, group.to, now_ns, pointer=f"/{name}")
        matches = query_filter(group.query, request.signal, now_ns=now_ns, pointer=f"/{name}/query", hot=hot)
        sides.append(statements.condition(source, part, matches, thinning))
        parts.append(part)
    asked = told_apart(request.target.query, request.baseline.query, request.signal)
    target, baseline = sides
    period = TimeRange(min(part.start_ns for part in parts), max(part.end_ns for part in parts))
    return Compared(request.signal, source, period, target, baseline, asked)


def _planned(rows: pa.Table, compared: Compared) -> tuple[Sample, Plan]:
    # To NumPy by Arrow: NumPy asking for it would load pandas, a second and 60 MB.
    sides = [rows.column(name).to_numpy().astype(bool) for name in ("t", "b")]
    sampler = Sampler(*sides)
    found = [each for at in range(len(compared.source.maps) + 1) for each in entries(rows, at)]
    names = _names(found, compared)
    for values, name in zip(found, names, strict=True):
        if values.key in compared.asked:
            sampler.left_out.append(LeftOut(name, "the queries tell the groups apart by it"))
        elif values.key != TENANT_ATTRIBUTE:
            sampler.add(values, name)
    sample = sampler.sample()
    return sample, planned(sample)


def _names(found: list[Values], compared: Compared) -> list[str]:
    """What each key is called in a query: its own name, or ``Map.key`` where that would find something else as well."""
    keys = [each.key for each in found if each.place[0]]
    known = set(keys)
    names = []
    for each in found:
        own = each.key
        if each.place[0]:
            field = resolve(own, compared.signal)
            clash = field.kind is not Kind.ATTRIBUTE or keys.count(own) > 1 or known & set(keys_of(own)[1:])
            map_column = compared.source.maps[each.place[0] - 1]
            if clash or map_column not in compared.source.attributes:
                own = f"{map_column}.{own}"
        names.append(own)
    return names
