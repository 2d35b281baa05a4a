"""`airis status | query | sql`: questions to a running AIRIS-Ray."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
import typer

from airis_ray.client import connect
from airis_ray.commands.output import JsonFlag, KeyOption, UrlOption, records, show, table
from airis_ray.errors import InvalidInput

_COLUMNS = {
    "logs": ["Timestamp", "ServiceName", "SeverityText", "Body"],
    "traces": ["Timestamp", "ServiceName", "SpanName", "SpanKind", "Duration", "StatusCode", "TraceId"],
}

_ACCOUNT = [
    "tenant",
    "signal",
    "received",
    "accepted",
    "refused",
    "expired",
    "stored",
    "dead_lettered",
    "repeated",
    "on_the_way",
    "dropped",
    "state",
]


def status(url: UrlOption = None, key: KeyOption = None, as_json: JsonFlag = False) -> None:
    """The state of each part, the newest numbers of every service, and what became of every record received.

    Exit status 1 where a part is not ready.
    """
    with connect(url, key) as air:
        ready = air.readiness()
        services = air.services("now-15m").arrow().to_pylist() if ready["ready"] else []
        accounts = air.get("/api/accounts") if ready["ready"] else []
    answer = ready | {"services": services, "accounts": accounts}

    def human() -> None:
        print("ready" if ready["ready"] else "not ready")
        table([{"part": name} | part for name, part in ready["parts"].items()])
        if services:
            print("\nlast 15 minutes")
            table(services)
        if accounts:
            print("\nrecords of the last 24 hours, and whether they are all accounted for")
            table([account_row(account) for account in accounts], _ACCOUNT)

    show(answer, as_json, human)
    if not ready["ready"]:
        raise typer.Exit(1)


def account_row(account: dict[str, Any]) -> dict[str, Any]:
    """An account as a row: what was refused with its reasons, and what keeps it from balancing."""
    refused = account["refused"]
    reasons = ", ".join(f"{reason} {records}" for reason, records in refused.items())
    state = account["state"].replace("_", " ")
    if account["state"] in ("on_the_way", "late"):
        state += f" since {account['oldest_on_the_way'][:16]}Z"
    if account["missing"]:
        state += f" {account['missing']}"
    if account["uncounted"]:
        state += f", {account['uncounted']} uncounted"
    return account | {
        "refused": f"{sum(refused.values())} ({reasons})" if refused else 0,
        "state": state,
    }


def query(
    query: Annotated[str, typer.Argument(help="search syntax, such as 'service:checkout level:error'")] = "",
    signal: Annotated[str, typer.Option(help="logs or traces")] = "logs",
    start: Annotated[str, typer.Option("--from", help="RFC 3339, nanoseconds or now-15m")] = "now-1h",
    end: Annotated[str, typer.Option("--to", help="RFC 3339, nanoseconds or now")] = "now",
    limit: Annotated[int, typer.Option(min=1, help="rows")] = 50,
    order: Annotated[str | None, typer.Option(help="'<field> asc|desc'")] = None,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Search logs or traces."""
    if signal not in _COLUMNS:
        raise InvalidInput(f"--signal {signal!r}: expected logs or traces")
    with connect(url, key) as air:
        frame = air.search(
            "logs" if signal == "logs" else "traces", query, start, end, limit=limit, order=order
        )
    rows = records(frame.arrow())
    show(rows, as_json, lambda: table(rows, _COLUMNS[signal]))


def sql(
    statement: Annotated[str, typer.Argument(help="one SELECT, with parameters {name:Type}")],
    parameters: Annotated[list[str] | None, typer.Option("--param", "-p", help="name=value")] = None,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Run one read-only SQL statement."""
    bound: dict[str, object] = {}
    for item in parameters or []:
        name, equals, value = item.partition("=")
        if not equals:
            raise InvalidInput(f"--param {item!r}: expected name=value")
        try:
            bound[name] = orjson.loads(value)
        except orjson.JSONDecodeError:
            bound[name] = value
    with connect(url, key) as air:
        rows = records(air.sql(statement, **bound).arrow())
    show(rows, as_json, lambda: table(rows))
