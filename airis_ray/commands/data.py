"""`airis status | query | sql`: questions to a running AIRIS-Ray."""

from __future__ import annotations

from typing import Annotated

import orjson
import typer

from airis_ray.client import connect
from airis_ray.commands.output import JsonFlag, KeyOption, UrlOption, records, show, table
from airis_ray.errors import InvalidInput

_COLUMNS = {
    "logs": ["Timestamp", "ServiceName", "SeverityText", "Body"],
    "traces": ["Timestamp", "ServiceName", "SpanName", "SpanKind", "Duration", "StatusCode", "TraceId"],
}


def status(url: UrlOption = None, key: KeyOption = None, as_json: JsonFlag = False) -> None:
    """The state of each part and the newest numbers of every service. Exit status 1 where a part is not ready."""
    with connect(url, key) as air:
        ready = air.readiness()
        services = air.services("now-15m").arrow().to_pylist() if ready["ready"] else []
    answer = ready | {"services": services}

    def human() -> None:
        print("ready" if ready["ready"] else "not ready")
        table([{"part": name} | part for name, part in ready["parts"].items()])
        if services:
            print("\nlast 15 minutes")
            table(services)

    show(answer, as_json, human)
    if not ready["ready"]:
        raise typer.Exit(1)


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
