"""Loki's push API, JSON and protobuf, to OTLP logs.

A stream is a resource: its labels are the resource's attributes, under their own names, and one of ``service_name``,
``service``, ``app`` and ``job`` is its ``service.name`` as well. Structured metadata become attributes of the record.
"""

from __future__ import annotations

from airis_ray.telemetry.loki.push import translate_json, translate_protobuf

__all__ = ["translate_json", "translate_protobuf"]
