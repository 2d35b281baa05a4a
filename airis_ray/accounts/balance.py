"""The accounts of a range of time, and whether they balance."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from airis_ray.accounts.counts import TABLE, Outcome
from airis_ray.store.protocol import Query, Store
from airis_ray.telemetry.times import SECOND, TimeRange

State = Literal["balanced", "on_the_way", "late", "lost"]

LATE_SECONDS: Final = 900
"""Records on the way for longer are told as late: the consumers are behind by far, or Kafka has lost them."""

_UNWRITTEN_SECONDS: Final = 120
"""Consumers count records at once and ingest writes its counts every few seconds: of younger minutes it may follow."""

_LAST: Final = (1 << 32) - 1  # second of ClickHouse's DateTime

_SETTLED: Final = (
    "Outcome IN ('stored', 'dead_lettered', 'repeated') OR (Outcome = 'expired' AND Stage = 'stream')"
)

_WHERE: Final = """
    WHERE Time >= toDateTime({start:UInt32}, 'UTC') AND Time < toDateTime({end:UInt32}, 'UTC')
        AND ({tenant:String} = '' OR Tenant = {tenant:String})
"""

_COUNTS: Final = f"""
    SELECT Tenant, Signal, Stage, Outcome, Reason, sum(Records) AS Records, sum(Requests) AS Requests
    FROM {TABLE} {_WHERE}
    GROUP BY Tenant, Signal, Stage, Outcome, Reason ORDER BY Tenant, Signal, Stage, Outcome, Reason
"""

_WAYS: Final = f"""
    SELECT
        Tenant, Signal,
        sum(greatest(Way, 0)) AS OnTheWay,
        sumIf(-Way, Way < 0 AND Minute < toDateTime({{written:UInt32}}, 'UTC')) AS Uncounted,
        toUnixTimestamp(minIf(Minute, Way > 0)) AS Oldest,
        sum(Lost) AS Lost
    FROM
    (
        SELECT
            Tenant, Signal, Time AS Minute,
            sumIf(Records, Outcome = 'accepted') - sumIf(Records, {_SETTLED}) AS Way,
            sumIf(Records, Outcome = 'read') - sumIf(Records, Stage = 'stream' AND ({_SETTLED})) AS Lost
        FROM {TABLE} {_WHERE}
        GROUP BY Tenant, Signal, Minute
    )
    GROUP BY Tenant, Signal
"""


@dataclass
class Account:
    """One tenant's records of one signal. All numbers are of records, save those of ``refused_requests``."""

    tenant: str
    signal: str
    received: int = 0
    accepted: int = 0
    refused: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    refused_requests: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """Bodies of which nothing was kept, by reason; of those that nobody could read, the records are not known."""
    expired: int = 0
    stored: int = 0
    dead_lettered: int = 0
    repeated: int = 0
    dropped: int = 0
    """Of those stored: gone with their partition, because the disk was filling up."""
    on_the_way: int = 0
    """Accepted, and nothing has become of them yet: they are in Kafka."""
    oldest_on_the_way: int | None = None
    """The minute in which the oldest of those was received, in seconds since 1970."""
    uncounted: int = 0
    """Kept without being counted as accepted: their replica was killed, or the sender was answered an error."""
    missing: int = 0
    """By how many records the counts of one stage differ: not zero only where some were lost, or counted wrong."""
    state: State = "balanced"

    @property
    def balanced(self) -> bool:
        """Whether every record is accounted for, or on its way for no longer than usual."""
        return self.state in ("balanced", "on_the_way")


async def accounts(
    store: Store, period: TimeRange, *, now: float, tenant: str | None = None
) -> list[Account]:
    """The accounts of what was received in ``period``, by tenant and signal; of all tenants without ``tenant``."""
    start, end = (min(max(at // SECOND, 0), _LAST) for at in (period.start_ns, period.end_ns + SECOND - 1))
    bound = {"start": start, "end": end, "tenant": tenant or ""}
    found: dict[tuple[str, str], Account] = {}
    for row in (await store.query(Query(_COUNTS, bound))).table.to_pylist():
        key = row["Tenant"], row["Signal"]
        _add(found.setdefault(key, Account(*key)), row)
    written = max(0, int(now) - _UNWRITTEN_SECONDS)
    for row in (await store.query(Query(_WAYS, {**bound, "written": written}))).table.to_pylist():
        # Between the two queries somebody may have begun to send.
        if (account := found.get((row["Tenant"], row["Signal"]))) is not None:
            _judge(account, row, now)
    return list(found.values())


def _add(account: Account, row: dict[str, Any]) -> None:
    outcome, records, requests = Outcome(row["Outcome"]), int(row["Records"]), int(row["Requests"])
    if outcome is Outcome.REFUSED:
        if records:
            account.refused[row["Reason"]] += records
        if requests:
            account.refused_requests[row["Reason"]] += requests
    elif outcome is not Outcome.READ:
        setattr(account, outcome.value, getattr(account, outcome.value) + records)
    # received = accepted + refused + expired: both sides are written in one insert.
    if outcome is Outcome.RECEIVED:
        account.missing += records
    elif outcome in (Outcome.ACCEPTED, Outcome.REFUSED) or (
        outcome is Outcome.EXPIRED and row["Stage"] == "ingest"
    ):
        account.missing -= records


def _judge(account: Account, row: dict[str, Any], now: float) -> None:
    account.on_the_way, account.uncounted = int(row["OnTheWay"]), int(row["Uncounted"])
    account.oldest_on_the_way = int(row["Oldest"]) if account.on_the_way else None
    account.missing = abs(account.missing) + abs(int(row["Lost"]))
    if account.missing:
        account.state = "lost"
    elif account.oldest_on_the_way is not None:
        account.state = "late" if now - account.oldest_on_the_way > LATE_SECONDS else "on_the_way"
