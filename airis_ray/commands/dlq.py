"""`airis dlq list | show | replay`: straight to Kafka, the one that AIRIS_KAFKA_* names."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from airis_ray.commands.output import JsonFlag, show, table
from airis_ray.errors import InvalidInput
from airis_ray.settings import Settings
from airis_ray.stream.letters import Found, Letters
from airis_ray.stream.messages import TENANT, signals_by_topic

app = typer.Typer(
    no_args_is_help=True, help="Dead letters: messages of Kafka that nobody could read or store."
)

T = TypeVar("T")

Topic = Annotated[str | None, typer.Option(help="telemetry topic, such as otlp_logs")]
Reason = Annotated[
    str | None, typer.Option(help="malformed, too_large, too_many_days, headers, refused, unforeseen")
]


@app.command("list")
def list_letters(
    topic: Topic = None,
    reason: Reason = None,
    everything: Annotated[bool, typer.Option("--all", help="also those that were put back")] = False,
    limit: Annotated[int, typer.Option(min=1, help="rows, the newest")] = 50,
    as_json: JsonFlag = False,
) -> None:
    """Dead letters, the newest last: where they were, why they are dead."""
    found = _with_letters(lambda letters: letters.all(topic=topic, reason=reason))
    rows = [_row(item) for item in found if everything or not item.returned]

    def human() -> None:
        table([row | {"exception": row["exception"][:100]} for row in rows[-limit:]])
        if len(rows) > limit:
            print(f"{len(rows) - limit} older ones: --limit {len(rows)}")

    show(rows[-limit:], as_json, human)


@app.command("show")
def show_letter(
    origin: Annotated[str, typer.Argument(help="topic:partition:offset, as list shows it")],
    value: Annotated[Path | None, typer.Option(help="write the message's bytes into this file")] = None,
    as_json: JsonFlag = False,
) -> None:
    """One dead letter: its headers, what was wrong, and its first bytes."""
    found = _with_letters(lambda letters: letters.one(origin))
    message = found.letter.message
    if value is not None:
        value.write_bytes(message.value)
    headers = {name: (content or b"").decode(errors="replace") for name, content in message.headers}
    answer = _row(found) | {"headers": headers, "begin": message.value[:256].hex(" ")}

    def human() -> None:
        for name, content in answer.items():
            if name != "headers":
                print(f"{name:<10} {content}")
        table([{"header": name, "value": content} for name, content in headers.items()])

    show(answer, as_json, human)


@app.command()
def replay(
    origins: Annotated[list[str] | None, typer.Argument(help="topic:partition:offset of each")] = None,
    everything: Annotated[bool, typer.Option("--all", help="all that were not put back yet")] = False,
    topic: Topic = None,
    reason: Reason = None,
    again: Annotated[bool, typer.Option("--again", help="also those that were put back before")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Put dead letters back into their topics, once their cause is gone; the consumers read them like any other."""
    if bool(origins) == everything:
        raise InvalidInput("name dead letters (topic:partition:offset), or all of them with --all")

    async def work(letters: Letters) -> dict[str, int]:
        found = (
            [await letters.one(origin) for origin in dict.fromkeys(origins)]
            if origins
            else await letters.all(topic=topic, reason=reason)
        )
        chosen = [item.letter for item in found if again or not item.returned]
        return {"replayed": await letters.put_back(chosen), "skipped": len(found) - len(chosen)}

    answer = _with_letters(work)

    def human() -> None:
        print(f"put back {answer['replayed']}")
        if answer["skipped"]:
            print(
                f"left out {answer['skipped']} that were put back before (--again puts them back once more)"
            )

    show(answer, as_json, human)


def _with_letters(work: Callable[[Letters], Awaitable[T]]) -> T:
    settings = Settings.from_env()
    if settings.kafka.bootstrap is None:
        raise InvalidInput("airis dlq needs AIRIS_KAFKA_BOOTSTRAP: without Kafka there are no dead letters")
    from airis_ray.stream.kafka import KafkaBroker  # loads librdkafka

    async def run() -> T:
        broker = KafkaBroker(settings.kafka, settings.stream, max_body_bytes=settings.ingest.max_body_bytes)
        return await work(Letters(broker, list(signals_by_topic(settings.kafka))))

    return asyncio.run(run())


def _row(found: Found) -> dict[str, Any]:
    letter = found.letter
    tenant = dict(letter.message.headers).get(TENANT) or b""
    time = datetime.fromtimestamp(letter.message.timestamp_ms / 1000, UTC)
    return {
        "letter": letter.origin,
        "time": f"{time:%Y-%m-%dT%H:%M:%SZ}",
        "reason": letter.reason,
        "tenant": tenant.decode(errors="replace") or "-",
        "bytes": letter.message.size,
        "replayed": found.returned,
        "exception": letter.exception,
    }
