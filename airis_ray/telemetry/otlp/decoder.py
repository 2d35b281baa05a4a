"""The entries to the decoder, and the choice of the implementation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Final, Literal

from airis_ray.telemetry.otlp.json_mapping import salvage, translate
from airis_ray.telemetry.otlp.result import Decoded, Rejected
from airis_ray.telemetry.tables import Signal

IMPLEMENTATION: Final[Literal["c", "python"]] = (
    "python" if find_spec("airis_ray.telemetry.otlp._native") is None else "c"
)
"""Which implementation is used: the compiled one where it was built."""


def decode(signal: Signal, payload: bytes, *, tenant: str, received_ns: int = 0) -> Decoded:
    """Decode an OTLP ``Export…ServiceRequest`` in protobuf.

    ``tenant`` becomes the resource attribute ``airis.tenant`` of every row; what the sender put there is
    dropped. ``received_ns`` (nanoseconds since 1970) is the time of rows that carry none.

    Raises InvalidInput if the outermost message cannot be read, TooLarge if the rows would take too much
    memory. Whatever is wrong further inside rejects that record, or that resource, scope or metric, and
    nothing beside it. Safe to call from many threads; the compiled implementation frees the GIL.
    """
    if IMPLEMENTATION == "c":
        from airis_ray.telemetry.otlp import native

        return native.decode(signal, payload, tenant, received_ns)
    from airis_ray.telemetry.otlp import fallback

    return fallback.decode(signal, payload, tenant, received_ns)


def decode_json(signal: Signal, payload: bytes, *, tenant: str, received_ns: int = 0) -> Decoded:
    """Like :func:`decode`, for a request in OTLP/JSON; the same telemetry gives the same batches.

    Raises InvalidInput, with the position, where the payload is not JSON, and with the JSON pointer where its
    outermost object is wrong. A value that its field does not take rejects its record alone.
    """
    request = read_json(signal, payload)
    return request.told(decode(signal, request.data, tenant=tenant, received_ns=received_ns))


@dataclass(frozen=True)
class JsonRequest:
    """An OTLP/JSON request in protobuf.

    A record that a field does not take is in ``data`` as one that the decoder rejects; ``faults`` says, by the
    record's pointer, what was wrong.
    """

    data: bytes
    faults: Mapping[str, str]

    def told(self, decoded: Decoded) -> Decoded:
        """``decoded``, which was read from ``data``, with the reasons that the JSON gave."""
        if not self.faults:
            return decoded
        reasons = (
            Rejected(item.pointer, self.faults.get(item.pointer, item.reason)) for item in decoded.reasons
        )
        return replace(decoded, reasons=tuple(reasons))


def read_json(signal: Signal, payload: bytes) -> JsonRequest:
    """A request in OTLP/JSON as protobuf; raises InvalidInput as :func:`decode_json`."""
    data = _compiled_json(signal, payload)
    return JsonRequest(*salvage(signal, payload)) if data is None else JsonRequest(data, {})


def json_to_protobuf(signal: Signal, payload: bytes) -> bytes:
    """An OTLP/JSON request in protobuf; raises InvalidInput that names the first bad field."""
    data = _compiled_json(signal, payload)
    return translate(signal, payload) if data is None else data


def _compiled_json(signal: Signal, payload: bytes) -> bytes | None:
    """The request from the compiled part, where there is one and nothing is unusual in the document."""
    if IMPLEMENTATION != "c":
        return None
    from airis_ray.telemetry.otlp import native

    return native.json_to_protobuf(signal, payload)
