"""OTLP, protobuf and JSON, to Arrow batches in the schemas of :mod:`airis_ray.telemetry.tables`.

Two implementations with the same answers: a compiled one (``native/``), and one over protobuf's Python
messages for where nothing was compiled. :data:`IMPLEMENTATION` says which is in use.
"""

from __future__ import annotations

from airis_ray.telemetry.otlp.decoder import (
    IMPLEMENTATION,
    JsonRequest,
    decode,
    decode_json,
    json_to_protobuf,
    read_json,
)
from airis_ray.telemetry.otlp.result import Decoded, Rejected

__all__ = [
    "IMPLEMENTATION",
    "Decoded",
    "JsonRequest",
    "Rejected",
    "decode",
    "decode_json",
    "json_to_protobuf",
    "read_json",
]
