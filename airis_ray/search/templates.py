"""The templates of a tenant's logs: bodies with their variables masked.

A stand-in for a stream of templates that is mined as logs come in: it looks at a bounded number of rows of the range
that is asked for. Whatever has a digit in it is a variable, and so is a place in which otherwise equal templates
differ in many ways.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from airis_ray.store import Query, Store
from airis_ray.telemetry.times import SECOND, TimeRange

MAX_ROWS: Final = 400_000
"""Rows that are looked at for one answer."""
MAX_TEMPLATES: Final = 1500
"""Templates of one answer, the most frequent ones."""
WILDCARD: Final = "<*>"
_BODY: Final = 400
"""Characters of a body that its template is made of; what is behind them are stacks and payloads."""
_VARIES: Final = 8
"""Templates that differ in one word only are one from so many on."""
_KEPT: Final = 64
_FRESH: Final = 120.0
"""Seconds that the templates of a range that is not over are good for."""
_DAY: Final = 86_400 * SECOND
_WARNING: Final = 13
_SETTINGS: Final[Mapping[str, str | int]] = {
    "max_rows_to_read": 20_000_000,
    "read_overflow_mode": "break",
    "max_execution_time": 15,
    "timeout_overflow_mode": "break",
}

_MASK: Final = r"[\\w.:/@+#-]*\\d[\\w.:/@+#-]*"
_SQL: Final = f"""
    SELECT replaceRegexpAll(text, '{_MASK}', '{WILDCARD}') AS template, toUInt64(count()) AS count,
        any(text) AS example,
        arraySort(groupUniqArray(20)(toString(ServiceName))) AS services,
        toUnixTimestamp64Nano(min(Timestamp)) AS first_seen, toUnixTimestamp64Nano(max(Timestamp)) AS last_seen,
        max(SeverityNumber) AS severity
    FROM
    (
        SELECT Timestamp, ServiceName, SeverityNumber, substringUTF8(splitByChar('\\n', Body)[1], 1, {_BODY}) AS text
        FROM otel_logs
        WHERE Timestamp >= fromUnixTimestamp64Nano({{start:Int64}})
            AND Timestamp < fromUnixTimestamp64Nano({{end:Int64}})
            AND SeverityNumber >= {{severity:UInt8}}
        LIMIT {{rows:UInt32}}
    )
    GROUP BY template
    ORDER BY count DESC
    LIMIT {{templates:UInt32}}
"""


@dataclass(frozen=True)
class Template:
    """A pattern of log bodies. Times are nanoseconds since 1970."""

    text: str
    count: int
    example: str
    services: tuple[str, ...]
    first_seen: int
    last_seen: int


@dataclass(frozen=True)
class Found:
    """The templates of a range, the most frequent first; ``sampled`` where more rows lay in it than were looked at."""

    templates: tuple[Template, ...]
    rows: int
    sampled: bool


class Templates:
    """Templates by tenant and range, kept for a while. Belongs to one event loop.

    ``clock`` tells seconds that never go back.
    """

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._store, self._clock = store, clock
        self._kept: OrderedDict[tuple[str, int, int], tuple[float, Found]] = OrderedDict()

    async def of(self, tenant: str, asked: TimeRange) -> Found:
        """The templates of a range of the tenant's logs."""
        key = (tenant, asked.start_ns, asked.end_ns)
        known = self._kept.get(key)
        if known is not None and self._clock() - known[0] < _FRESH:
            self._kept.move_to_end(key)
            return known[1]
        found = await mine(self._store, tenant, asked)
        self._kept[key] = (self._clock(), found)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return found

    async def texts(self, tenant: str, now_ns: int) -> str:
        """What the tenant's logs say, folded into one text: all of the last half day, warnings and worse of a week."""
        recent = TimeRange(max(now_ns - _DAY // 2, 0), now_ns)
        week = TimeRange(max(now_ns - 7 * _DAY, 0), now_ns)
        # Of warnings every template counts: what one word of many is replaced by in a merged one is what is asked for.
        usual, warnings = await asyncio.gather(
            mine(self._store, tenant, recent),
            _templates(self._store, tenant, week, severity=_WARNING),
        )
        said = {" ".join(each.example.lower().split()) for each in (*usual.templates, *warnings)}
        return "\n".join(sorted(said))


async def mine(store: Store, tenant: str, asked: TimeRange) -> Found:
    """The templates of a range, those that differ in one word as one where there are many of them."""
    templates = await _templates(store, tenant, asked)
    total = sum(each.count for each in templates)
    return Found(tuple(_merged(templates)[:MAX_TEMPLATES]), total, total >= MAX_ROWS)


async def _templates(store: Store, tenant: str, asked: TimeRange, *, severity: int = 0) -> list[Template]:
    """The templates of a range's rows of at least a severity, from the rows themselves."""
    parameters: dict[str, Any] = {
        "start": asked.start_ns,
        "end": asked.end_ns,
        "severity": severity,
        "rows": MAX_ROWS,
        "templates": 4 * MAX_TEMPLATES,
    }
    rows = (await store.query(Query(_SQL, parameters, tenant, settings=_SETTINGS))).table.to_pylist()
    return [
        Template(
            row["template"],
            row["count"],
            row["example"],
            tuple(row["services"]),
            row["first_seen"],
            row["last_seen"],
        )
        for row in rows
    ]


def _merged(templates: list[Template]) -> list[Template]:
    """Templates that differ in one word are one where there are many of them."""
    found = [replace(each, text=_tidy(each.text)) for each in templates]
    for _ in range(2):
        groups: defaultdict[tuple[int, str], list[Template]] = defaultdict(list)
        for each in found:
            words = each.text.split(" ")
            for place in range(len(words)):
                masked = " ".join([*words[:place], WILDCARD, *words[place + 1 :]])
                groups[place, masked].append(each)
        taken: dict[str, str] = {}
        for (_, masked), members in sorted(groups.items(), key=lambda item: -len(item[1])):
            if (
                len({each.text for each in members}) >= _VARIES
                and len(masked.replace(WILDCARD, "").strip()) > 3
            ):
                for each in members:
                    taken.setdefault(each.text, masked)
        if not taken:
            break
        found = [replace(each, text=taken.get(each.text, each.text)) for each in found]
    together: dict[str, Template] = {}
    for each in found:
        known = together.get(each.text)
        together[each.text] = each if known is None else _sum(known, each)
    return sorted(together.values(), key=lambda each: -each.count)


def _sum(left: Template, right: Template) -> Template:
    return Template(
        left.text,
        left.count + right.count,
        left.example,
        tuple(sorted({*left.services, *right.services}))[:20],
        min(left.first_seen, right.first_seen),
        max(left.last_seen, right.last_seen),
    )


def _tidy(text: str) -> str:
    return re.sub(rf"(?:{re.escape(WILDCARD)}[\s,]*){{2,}}", WILDCARD + " ", " ".join(text.split())).strip()
