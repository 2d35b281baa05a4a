"""Bodies of ``/services/collector/event`` (JSON objects one after the other) and ``/raw`` (lines)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from airis_ray.errors import InvalidInput
from airis_ray.telemetry.instants import any_epoch, iso
from airis_ray.telemetry.lines import LiftRules, Line, json_text, lift, lift_document
from airis_ray.telemetry.otlp import encode
from airis_ray.telemetry.otlp.encode import Scalar
from airis_ray.telemetry.splunk.metrics import add_metrics, is_metric

SCOPE: Final = "splunk_hec"
_METADATA: Final = {
    "host": "host.name",
    "source": "com.splunk.source",
    "sourcetype": "com.splunk.sourcetype",
    "index": "com.splunk.index",
}
_SERVICE: Final = ("service.name", "service_name", "service", "app", "application")
_NO_DATA, _INVALID, _REQUIRED, _BLANK = 5, 6, 12, 13


class BadEvent(InvalidInput):
    """An event that cannot be taken, and with it the whole request. ``code`` is HEC's own, ``number`` the event's
    place in the request (-1 for the request as a whole)."""

    def __init__(self, text: str, code: int, number: int = -1) -> None:
        super().__init__(text)
        self.code = code
        self.number = number


@dataclass(frozen=True)
class Translated:
    """The OTLP requests, empty where there was nothing of the signal."""

    logs: bytes
    metrics: bytes


def translate_events(body: bytes, defaults: Mapping[str, str], rules: LiftRules, limit: int) -> Translated:
    """The events of a request; ``defaults`` are metadata of the URL, for events that have none of their own.

    Raises BadEvent at the first one that cannot be taken, TooLarge where they are more than ``limit`` bytes as OTLP.
    """
    logs = encode.Requests("logs", SCOPE, limit)
    metrics = encode.Requests("metrics", SCOPE, limit)
    number = -1
    for number, event in enumerate(_objects(body)):
        if not isinstance(event, dict):
            raise BadEvent("Invalid data format", _INVALID, number)
        try:
            _add({**defaults, **event}, logs, metrics, rules, number)
        except BadEvent:
            raise
        except UnicodeEncodeError:  # half of a surrogate pair
            raise BadEvent("Invalid data format", _INVALID, number) from None
        except InvalidInput as error:
            if type(error) is not InvalidInput:  # too large: no fault of this event
                raise
            raise BadEvent(str(error), _INVALID, number) from None
    if number < 0:
        raise BadEvent("No data", _NO_DATA)
    return Translated(logs.encode(), metrics.encode())


def translate_raw(body: bytes, metadata: Mapping[str, str], rules: LiftRules, limit: int) -> Translated:
    """A log record for each line that is not empty; raises as :func:`translate_events`."""
    requests = encode.Requests("logs", SCOPE, limit)
    resource = encode.resource(_resource(metadata, {}))
    time_ns = any_epoch(metadata.get("time")) or 0
    lines = [line for line in body.decode("utf-8", "replace").splitlines() if line.strip()]
    if not lines:
        raise BadEvent("No data", _NO_DATA)
    for line in lines:
        requests.add(resource, lift(line, rules).record(time_ns))
    return Translated(requests.encode(), b"")


def _objects(body: bytes) -> Iterator[Any]:
    """The JSON values of a body, which nothing, white space or commas stand between; also those of one list."""
    number = 0
    try:
        whole = orjson.loads(body)
    except orjson.JSONDecodeError:
        pass
    else:
        yield from whole if isinstance(whole, list) else [whole]
        return
    try:
        text = body.decode()
        position = _skip(text, 0)
        while position < len(text):
            event, position = _DECODER.raw_decode(text, position)
            yield event
            number += 1
            position = _skip(text, position)
    except (ValueError, RecursionError):
        raise BadEvent("Invalid data format", _INVALID, number) from None


_DECODER: Final = json.JSONDecoder()


def _skip(text: str, position: int) -> int:
    while position < len(text) and text[position] in " \t\r\n,":
        position += 1
    return position


def _add(
    event: Mapping[str, Any], logs: encode.Requests, metrics: encode.Requests, rules: LiftRules, number: int
) -> None:
    fields = event.get("fields") or {}
    if not isinstance(fields, dict):
        raise BadEvent("Error in handling indexed fields", 15, number)
    time_ns = _time(event.get("time"), number)
    if is_metric(event.get("event"), fields):
        add_metrics(metrics, encode.resource(_resource(event, fields)), time_ns, fields)
        return
    line = _line(event, number, rules)
    for name, value in fields.items():
        line.attributes[name] = value if isinstance(value, str | bool | int | float) else json_text(value)
    line.take_ids()
    if fields:
        line.take_level(fields)
    logs.add(encode.resource(_resource(event, line.attributes)), line.record(time_ns))


def _line(event: Mapping[str, Any], number: int, rules: LiftRules) -> Line:
    if "event" not in event:
        raise BadEvent("Event field is required", _REQUIRED, number)
    content = event["event"]
    if content in ("", None):
        raise BadEvent("Event field cannot be blank", _BLANK, number)
    if isinstance(content, str):
        return lift(content, rules)
    if isinstance(content, dict):
        return lift_document(content, rules)
    return Line(json_text(content))


def _time(value: Any, number: int) -> int:
    """Nanoseconds since 1970 of an event's time, in seconds or finer; 0 for an event without one."""
    if value in (None, ""):
        return 0
    found = any_epoch(value)
    if found is None and isinstance(value, str):
        found = iso(value)
    if found is None:
        raise BadEvent("Invalid data format", _INVALID, number)
    return found


def _resource(event: Mapping[str, Any], attributes: Mapping[str, Scalar]) -> Iterator[bytes]:
    service = next((attributes[name] for name in _SERVICE if attributes.get(name)), "")
    if service:
        yield encode.attribute("service.name", str(service))
    for name, key in _METADATA.items():
        value = event.get(name)
        if value is not None and value != "":
            yield encode.attribute(key, value if isinstance(value, str) else json_text(value))
