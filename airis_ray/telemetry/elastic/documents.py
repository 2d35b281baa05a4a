"""A document of the Elastic Common Schema, or of no schema, as a log record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from airis_ray.telemetry.instants import any_epoch, epoch, iso
from airis_ray.telemetry.lines import LiftRules, Line, lift_document
from airis_ray.telemetry.otlp import encode
from airis_ray.telemetry.otlp.encode import Scalar
from airis_ray.telemetry.times import SECOND

Admit = Callable[[str, int], str | None]
"""Why records of a service and a time (ns) are not taken in; None for those that are."""

_MS: Final = 1_000_000
_SINCE: Final = 1_000_000_000 * SECOND
"""A number before 2001 in a field called ``time`` is something else, such as how long it took."""
_TIMES: Final = ("timestamp", "time", "ts")
_RESOURCE: Final = (
    "service.",
    "host.",
    "container.",
    "kubernetes.",
    "k8s.",
    "cloud.",
    "agent.",
    "orchestrator.",
    "data_stream.",
    "deployment.",
)
_SERVICE: Final = (
    "service.name",
    "service",
    "service_name",
    "app",
    "application",
    "fields.service",
    "kubernetes.labels.app",
    "kubernetes.container.name",
    "container.name",
    "data_stream.dataset",
    "event.dataset",
)


class BadDocument(Exception):
    """A document that cannot be taken; ``str(error)`` says why."""


def log_of(
    document: Mapping[str, Any], index: str, given_id: Any, rules: LiftRules, admit: Admit
) -> tuple[bytes, bytes]:
    """The resource and the record; BadDocument for a time that is none, or that ``admit`` refuses."""
    line = lift_document(document, rules)
    time_ns = _time(line)
    of: dict[str, Scalar] = {
        name: line.attributes.pop(name) for name in list(line.attributes) if name.startswith(_RESOURCE)
    }
    service = _service(of, line)
    if time_ns and (reason := admit(service, time_ns)):
        raise BadDocument(reason)
    if service:
        of["service.name"] = service
    line.attributes["elasticsearch.index"] = index
    if given_id is not None:
        line.attributes["_id"] = str(given_id)
    return encode.resource([encode.attribute(*item) for item in of.items()]), line.record(time_ns)


def _time(line: Line) -> int:
    """Nanoseconds since 1970; 0 for a document without a time."""
    value = line.attributes.pop("@timestamp", None)
    if value is not None:
        found = epoch(value, _MS)
        if found is None and isinstance(value, str):
            found = iso(value)
        if found is None:
            raise BadDocument(
                f"failed to parse field [@timestamp]: [{value}] is no time in ISO 8601 or epoch_millis"
            )
        return found
    for name in _TIMES:  # the program's own fields, which need not be times
        value = line.attributes.get(name)
        found = iso(value) if isinstance(value, str) else any_epoch(value)
        if found is not None and found >= _SINCE:
            del line.attributes[name]
            return found
    return 0


def _service(of: Mapping[str, Scalar], line: Line) -> str:
    for name in _SERVICE:
        value = of.get(name, line.attributes.get(name))
        if isinstance(value, str) and value:
            return value
    return ""
