"""Bodies of ``POST /loki/api/v1/push``, after decompression."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from google.protobuf.message import DecodeError

from airis_ray.errors import InvalidInput
from airis_ray.telemetry.lines import LiftRules, json_text, lift
from airis_ray.telemetry.loki.labels import parse_labels
from airis_ray.telemetry.otlp import encode
from airis_ray.telemetry.otlp.json_mapping import load
from airis_ray.telemetry.protobufs import messages
from airis_ray.telemetry.times import LAST, SECOND, parse_time

SCOPE: Final = "loki"
SERVICE_LABELS: Final = ("service_name", "service", "app", "job")

# Source: pkg/push/push.proto of Loki.
PUSH: Final = messages(
    "airis.loki",
    {
        "Timestamp": "int64 seconds = 1; int32 nanos = 2;",
        "LabelPair": "string name = 1; string value = 2;",
        "Entry": "Timestamp timestamp = 1; string line = 2; repeated LabelPair structuredMetadata = 3;",
        "Stream": "string labels = 1; repeated Entry entries = 2;",
        "PushRequest": "repeated Stream streams = 1;",
    },
)


def translate_json(body: bytes, rules: LiftRules, limit: int) -> bytes:
    """``{"streams": [{"stream": {…}, "values": [[time, line, metadata?]]}]}``, or the form before it with ``labels``
    and ``entries``.

    Raises InvalidInput with the JSON pointer of what is wrong, TooLarge where it is more than ``limit`` bytes as OTLP.
    """
    document = load(body)
    streams = document.get("streams") if isinstance(document, dict) else None
    if not isinstance(streams, list):
        raise InvalidInput.field("/streams", "expected a list of streams")
    requests = encode.Requests("logs", SCOPE, limit)
    for index, stream in enumerate(streams):
        where = f"/streams/{index}"
        if not isinstance(stream, dict):
            raise InvalidInput.field(where, "expected an object")
        if "labels" in stream or "entries" in stream:
            labels = parse_labels(_string(stream.get("labels", "{}"), f"{where}/labels"))
            entries = [
                _entry(item, f"{where}/entries/{n}") for n, item in enumerate(_list(stream, "entries", where))
            ]
        else:
            labels = _strings(stream.get("stream", {}), f"{where}/stream")
            entries = [
                _value(item, f"{where}/values/{n}") for n, item in enumerate(_list(stream, "values", where))
            ]
        _add(requests, labels, entries, rules)
    return requests.encode()


def translate_protobuf(body: bytes, rules: LiftRules, limit: int) -> bytes:
    """A ``logproto.PushRequest``; raises as :func:`translate_json`."""
    try:
        request = PUSH["PushRequest"].FromString(body)
    except DecodeError as error:
        raise InvalidInput(f"the body is no PushRequest of Loki: {error}") from None
    requests = encode.Requests("logs", SCOPE, limit)
    for stream in request.streams:
        entries = (
            (
                _checked(item.timestamp.seconds * SECOND + item.timestamp.nanos),
                item.line,
                {pair.name: pair.value for pair in item.structuredMetadata},
            )
            for item in stream.entries
        )
        _add(requests, parse_labels(stream.labels), entries, rules)
    return requests.encode()


def _add(
    requests: encode.Requests,
    labels: Mapping[str, str],
    entries: Iterable[tuple[int, str, Mapping[str, str]]],
    rules: LiftRules,
) -> None:
    """The records of one stream. Its severity: what the metadata say, else the labels, else the line."""
    resource = encode.resource(_resource(labels))
    for time_ns, text, metadata in entries:
        line = lift(text, rules)
        if metadata:
            line.attributes.update(metadata)
            line.take_ids()
        if not line.take_level(metadata):
            line.take_level(labels)
        requests.add(resource, line.record(time_ns))


def _resource(labels: Mapping[str, str]) -> Iterable[bytes]:
    service = next((labels[name] for name in SERVICE_LABELS if labels.get(name)), "")
    if service and "service.name" not in labels:
        yield encode.attribute("service.name", service)
    for item in labels.items():
        yield encode.attribute(*item)


def _value(item: Any, where: str) -> tuple[int, str, Mapping[str, str]]:
    if not isinstance(item, list) or not 2 <= len(item) <= 3:
        raise InvalidInput.field(
            where, "expected [time in nanoseconds, line] and perhaps an object of metadata"
        )
    metadata = _strings(item[2], f"{where}/2") if len(item) == 3 else {}
    return _nanoseconds(item[0], f"{where}/0"), _string(item[1], f"{where}/1"), metadata


def _entry(item: Any, where: str) -> tuple[int, str, Mapping[str, str]]:
    """An entry of the older form, whose time is RFC 3339."""
    if not isinstance(item, dict):
        raise InvalidInput.field(where, "expected an object")
    time = _string(item.get("ts", item.get("timestamp")), f"{where}/ts")
    metadata = _strings(item.get("structuredMetadata") or {}, f"{where}/structuredMetadata")
    return parse_time(time, 0, pointer=f"{where}/ts"), _string(item.get("line"), f"{where}/line"), metadata


def _nanoseconds(value: Any, where: str) -> int:
    """A time as Loki takes it: nanoseconds since 1970 in a string, or a number."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 19:
        return _checked(int(value), where)
    if isinstance(value, int) and not isinstance(value, bool):
        return _checked(value, where)
    raise InvalidInput.field(where, f"expected nanoseconds since 1970 in a string, got {str(value)[:40]!r}")


def _checked(time_ns: int, where: str = "") -> int:
    if not 0 <= time_ns <= LAST:
        raise InvalidInput.field(where, f"{time_ns} ns is before 1970 or after 2262")
    return time_ns


def _list(of: Mapping[str, Any], name: str, where: str) -> list[Any]:
    found = of.get(name, [])
    if not isinstance(found, list):
        raise InvalidInput.field(f"{where}/{name}", "expected a list")
    return found


def _string(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise InvalidInput.field(where, "expected a string")
    return value


def _strings(value: Any, where: str) -> dict[str, str]:
    """An object of strings. Some senders write numbers and booleans too: these are taken as JSON has them."""
    if not isinstance(value, dict):
        raise InvalidInput.field(where, "expected an object of strings")
    return {name: item if isinstance(item, str) else json_text(item) for name, item in value.items()}
