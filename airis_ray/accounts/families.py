"""The accounts as ``/metrics`` shows them: all of it comes from the store, so that every replica's counts are in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from airis_ray.accounts.balance import Account, accounts
from airis_ray.store.protocol import Query, Store
from airis_ray.telemetry.times import SECOND, TimeRange

BALANCE_SECONDS: Final = 86_400
"""What was received within a day has to balance; older minutes are asked for by ``/api/accounts``."""

_TOTALS: Final = """
    SELECT Tenant, Signal, Stage, Outcome, Reason, sum(Records) AS Records
    FROM airis_account_totals
    GROUP BY Tenant, Signal, Stage, Outcome, Reason ORDER BY Tenant, Signal, Stage, Outcome, Reason
"""
_DROPS: Final = """
    SELECT Table, count() AS partitions, sum(Rows) AS rows, sum(Bytes) AS bytes
    FROM airis_disk_drops GROUP BY Table ORDER BY Table
"""

_RECORDS: Final = (
    "Records by what became of them, counted by ingest, by the consumers (stage stream) and by the disk guard (stage "
    "store). received = accepted + refused + expired, and accepted = stored + dead_lettered + repeated + expired "
    "(stage stream) + on the way"
)
_BALANCE: Final = {
    "on_the_way": "Records accepted within a day of which nothing has become yet: they are in Kafka. Cure where they "
    "stay: look at the consumers' lag, and whether Kafka's retention has overtaken them",
    "uncounted": "Records kept within a day that no ingest replica has counted as accepted: it was killed before it "
    "wrote its counts, or its sender was answered an error",
    "missing": "Records of the last day that one stage counts and the next does not. Cure: report it, it is a bug",
    "balanced": "1 where every record of the last day is accounted for, or on its way for less than 15 minutes",
}
_DROPPED: Final = "dropped by the disk guard. Cure: a larger disk, or a shorter AIRIS_RETENTION_*"


async def account_families(store: Store, now: float) -> list[Metric]:
    """The counts of all time, the balance of the last day, and what the disk guard has dropped."""
    totals = (await store.query(Query(_TOTALS))).table.to_pylist()
    drops = (await store.query(Query(_DROPS))).table.to_pylist()
    period = TimeRange(int((now - BALANCE_SECONDS) * SECOND), int((now + 60) * SECOND))
    balance = await accounts(store, period, now=now)
    return [_records(totals), *_balance(balance), *_dropped(drops)]


def _records(totals: Sequence[dict[str, Any]]) -> Metric:
    labels = ["tenant", "signal", "stage", "outcome", "reason"]
    family = CounterMetricFamily("airis_accounts_records", _RECORDS, labels=labels)
    for row in totals:
        family.add_metric([row[label.capitalize()] for label in labels], float(row["Records"]))
    return family


def _balance(balance: Sequence[Account]) -> Iterator[Metric]:
    for name, meaning in _BALANCE.items():
        suffix = "" if name == "balanced" else "_records"
        family = GaugeMetricFamily(f"airis_accounts_{name}{suffix}", meaning, labels=["tenant", "signal"])
        for account in balance:
            family.add_metric([account.tenant, account.signal], float(getattr(account, name)))
        yield family


def _dropped(drops: Sequence[dict[str, Any]]) -> Iterator[Metric]:
    for column in ("partitions", "rows", "bytes"):
        meaning = f"{column.capitalize()} {_DROPPED}"
        family = CounterMetricFamily(f"airis_disk_dropped_{column}", meaning, labels=["table"])
        for row in drops:
            family.add_metric([row["Table"]], float(row[column]))
        yield family
