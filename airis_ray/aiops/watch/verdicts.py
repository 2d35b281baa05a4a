"""What operators said of anomalies, and what that asks of the series.

The threshold of a series follows from all verdicts on its anomalies that stand, in whatever order they came; a verdict
taken back is as if it had never been: the threshold is where it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Literal

import pyarrow as pa

from airis_ray.aiops.watch.tracking import AT_THRESHOLD
from airis_ray.store.protocol import Query, Store

Verdict = Literal["true", "false", "expected"]

_MARGIN: Final = 0.02
"""Severity by which an anomaly has to pass one that was none."""
_HIGHEST: Final = 0.98
"""However often an operator says false, what no chance explains is still told."""

_SCHEMA: Final = pa.schema(
    [
        ("Tenant", pa.string()),
        ("series", pa.uint64()),
        ("anomaly", pa.string()),
        ("verdict", pa.string()),
        ("score", pa.float64()),
        ("actor", pa.string()),
        ("updated", pa.timestamp("us", tz="UTC")),
    ]
)


def threshold(verdicts: Iterable[tuple[str, float]]) -> float:
    """The severity that an anomaly of a series needs, from (verdict, severity) of those judged.

    It lies above the highest that was no anomaly (false) or a wanted one (expected), but not above the lowest true one
    that is higher than the detector's own threshold.
    """
    listed = list(verdicts)
    wrong = [severity for verdict, severity in listed if verdict in ("false", "expected")]
    right = [severity for verdict, severity in listed if verdict == "true"]
    raised = min(max(wrong) + _MARGIN, _HIGHEST) if wrong else AT_THRESHOLD
    return max(min([raised, *right]), AT_THRESHOLD)


async def thresholds(store: Store, tenant: str) -> Mapping[int, float]:
    """Series → the severity that its anomalies need, where verdicts ask for another than the detector's."""
    sql = """
        SELECT series, groupArray((toString(verdict), score)) AS verdicts FROM airis_verdicts FINAL
        WHERE verdict != '' GROUP BY series
    """
    table = (await store.query(Query(sql, tenant=tenant))).table
    listed = zip(table["series"].to_pylist(), table["verdicts"].to_pylist(), strict=True)
    return {int(series): threshold(tuple(each.values()) for each in verdicts) for series, verdicts in listed}


async def record(
    store: Store,
    tenant: str,
    *,
    series: int,
    anomaly: str,
    verdict: Verdict | None,
    score: float,
    actor: str,
    now_ns: int,
) -> None:
    """Keep a verdict on an anomaly of that severity; None takes the one that stands back."""
    row = {
        "Tenant": tenant,
        "series": series,
        "anomaly": anomaly,
        "verdict": verdict or "",
        "score": score,
        "actor": actor,
        "updated": now_ns // 1000,
    }
    await store.insert("airis_verdicts", pa.Table.from_pylist([row], schema=_SCHEMA))
