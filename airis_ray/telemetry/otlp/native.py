"""The compiled decoder; importing this module fails where it was not built."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from airis_ray.telemetry.otlp import _native
from airis_ray.telemetry.otlp.messages import names
from airis_ray.telemetry.otlp.result import MAX_DECODED_BYTES, Decoded, Rejected, too_large, unreadable
from airis_ray.telemetry.tables import SCHEMAS, TABLES_OF, Signal

_SIGNALS: Final[dict[Signal, int]] = {"logs": 0, "traces": 1, "metrics": 2}


def decode(signal: Signal, payload: bytes, tenant: str, received_ns: int) -> Decoded:
    """See :func:`airis_ray.telemetry.otlp.decode`."""
    answer = _native.decode(_SIGNALS[signal], payload, tenant, received_ns, MAX_DECODED_BYTES)
    if answer is None:
        raise too_large()
    if len(answer) == 2:
        raise unreadable(signal, *answer)
    arrays, accepted, rejected, reasons = answer
    tables = {
        name: pa.record_batch(_Exported(SCHEMAS[name], array))
        for name, array in zip(TABLES_OF[signal], arrays, strict=False)
        if array is not None
    }
    return Decoded(tables, accepted, rejected, tuple(Rejected(*reason) for reason in reasons))


def json_to_protobuf(signal: Signal, payload: bytes) -> bytes | None:
    """An OTLP/JSON request in protobuf; None for one with anything wrong or unusual in it."""
    return _native.json_to_protobuf(_REQUESTS[signal], payload)


@dataclass(frozen=True)
class _Exported:
    """A table of the compiled part, as pyarrow takes it over: no bytes are copied."""

    schema: pa.Schema
    array: Any

    def __arrow_c_array__(self, requested_schema: Any = None) -> tuple[Any, Any]:
        return self.schema.__arrow_c_schema__(), self.array


def _powers() -> Iterator[int]:
    """The powers of ten that doubles are written with: their highest 128 bits, rounded up."""
    for exponent in range(-292, 325):
        if exponent >= 0:
            power, shift = 10**exponent, 128 - (10**exponent).bit_length()
            yield power << shift if shift >= 0 else -(-power >> -shift)
        else:
            divisor = 10**-exponent
            yield -(-(1 << 127 + divisor.bit_length()) // divisor)


_native.use_powers(b"".join(struct.pack("=QQ", power >> 64, power & (1 << 64) - 1) for power in _powers()))

_names, _REQUESTS = names()
for _name in _names:
    _native.use_field(*_name)
