"""The table ``airis_anomalies``: what the watcher found, a row each, written again while it lasts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final, Literal

import pyarrow as pa

from airis_ray.store.protocol import Store

Direction = Literal["above", "below", "absent"]

_NS: Final = pa.timestamp("ns", tz="UTC")

SCHEMA: Final = pa.schema(
    [
        ("Tenant", pa.string()),
        ("id", pa.string()),
        ("start", _NS),
        ("end", _NS),
        ("lasting", pa.bool_()),
        ("service", pa.string()),
        ("signal", pa.string()),
        ("metric", pa.string()),
        ("unit", pa.string()),
        ("labels", pa.map_(pa.string(), pa.string())),
        ("kind", pa.string()),
        ("score", pa.float64()),
        ("direction", pa.string()),
        ("expected", pa.float64()),
        ("actual", pa.float64()),
        ("explanation", pa.string()),
        ("explanation_ko", pa.string()),
        ("model", pa.string()),
        ("series", pa.uint64()),
        ("updated", pa.timestamp("us", tz="UTC")),
    ]
)


@dataclass(frozen=True)
class Subject:
    """A series as people know it. ``signal`` is where it comes from: traces, logs or metrics."""

    service: str
    signal: str
    metric: str
    unit: str = ""
    labels: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """How sentences call it."""
        named = ", ".join(f"{key}={value}" for key, value in self.labels)
        subject = f"{self.service} {self.metric}".strip()
        return f"{subject} ({named})" if named else subject


@dataclass(frozen=True)
class Finding:
    """An anomaly as it stands: ``[start, end)`` in nanoseconds, ``end`` behind its last cell so far."""

    tenant: str
    series: int
    subject: Subject
    start: int
    end: int
    kind: str
    score: float
    direction: Direction
    expected: float
    actual: float
    explanation: str
    explanation_ko: str
    model: str
    lasting: bool = True
    id: str = field(default="")

    def __post_init__(self) -> None:
        if not self.id:
            object.__setattr__(self, "id", finding_id(self.tenant, self.series, self.start))

    def over(self) -> Finding:
        """The same, ended."""
        return replace(self, lasting=False)

    def worded(self, explanation: str, explanation_ko: str) -> Finding:
        """The same in other words."""
        return replace(self, explanation=explanation, explanation_ko=explanation_ko)


def series_key(tenant: str, service: str, model: str) -> int:
    """The key of what is judged of a whole service, as if it were a series."""
    key = f"{tenant}\0{service}\0{model}".encode()
    return int.from_bytes(hashlib.blake2b(key, digest_size=8, person=b"airis together").digest(), "big")


def finding_id(tenant: str, series: int, start: int) -> str:
    """The id of an anomaly: the same for whoever finds it again, however long it lasts; 32 hexadecimal digits."""
    key = f"{tenant}\0{series}\0{start}".encode()
    return hashlib.blake2b(key, digest_size=16, person=b"airis anomaly").hexdigest()


def rows(findings: Iterable[Finding], now_ns: int) -> pa.Table:
    """The rows of findings; of two versions of one, that of the later ``now_ns`` counts."""
    listed = [
        {
            "Tenant": each.tenant,
            "id": each.id,
            "start": each.start,
            "end": each.end,
            "lasting": each.lasting,
            "service": each.subject.service,
            "signal": each.subject.signal,
            "metric": each.subject.metric,
            "unit": each.subject.unit,
            "labels": list(each.subject.labels),
            "kind": each.kind,
            "score": each.score,
            "direction": each.direction,
            "expected": each.expected,
            "actual": each.actual,
            "explanation": each.explanation,
            "explanation_ko": each.explanation_ko,
            "model": each.model,
            "series": each.series,
            "updated": now_ns // 1000,
        }
        for each in findings
    ]
    return pa.Table.from_pylist(listed, schema=SCHEMA)


async def write(store: Store, findings: Iterable[Finding], now_ns: int) -> None:
    """Keep findings; nothing is sent where there are none."""
    table = rows(findings, now_ns)
    if table.num_rows:
        await store.insert("airis_anomalies", table)
