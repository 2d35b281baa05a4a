"""A ClickHouse that answers errors, or does not answer."""

from __future__ import annotations

import asyncio
import itertools
import threading

from tests.faults.checks import Outcome, under_load
from tests.faults.conftest import Setting
from tests.faults.proxy import Answer, Call, Rule

_FOR_EVER = 3600.0

_ERRORS = (
    "upstream connect error or disconnect/reset before headers",  # a proxy's, not ClickHouse's
    "Code: 241. DB::Exception: (total) memory limit exceeded: would use 9.00 GiB. (MEMORY_LIMIT_EXCEEDED)",
    "Code: 252. DB::Exception: Too many parts (3000) in table. Merges are too slow. (TOO_MANY_PARTS)",
    "Code: 242. DB::Exception: Table is in readonly mode. (TABLE_IS_READ_ONLY)",
    "Code: 999. Coordination::Exception: Connection loss. (KEEPER_EXCEPTION)",
    "Code: 49. DB::Exception: Logical error. (LOGICAL_ERROR)",
)


def _for(lasts: float, setting: Setting, outcome: Outcome, rule: Rule) -> None:
    """The stream while the store follows ``rule``."""
    assert setting.proxy is not None
    with under_load(setting.program, setting.topics, outcome) as stream, setting.proxy.following(rule):
        before = stream.told.requests
        threading.Event().wait(lasts)  # the fault is this time
        outcome.notes.append(f"{stream.told.requests - before} requests taken in {lasts:g} s of it")


def test_clickhouse_answers_500(fronted: Setting, outcome: Outcome, seconds: float | None) -> None:
    texts = itertools.cycle(_ERRORS)

    async def failing(_: Call) -> Answer:
        text = next(texts)
        code = text.removeprefix("Code: ").split(".")[0]
        headers = {"X-ClickHouse-Exception-Code": code} if code.isdigit() else {}
        return Answer(500, text.encode(), headers)

    _for(seconds or 60.0, fronted, outcome, failing)


def test_clickhouse_hangs(fronted: Setting, outcome: Outcome, seconds: float | None) -> None:
    """Every other request is done all the same: only its answer does not come."""
    turns = itertools.cycle((True, False))

    async def hanging(call: Call) -> None:
        if next(turns):
            await call.forward()
        await asyncio.sleep(_FOR_EVER)

    _for(seconds or 60.0, fronted, outcome, hanging)
