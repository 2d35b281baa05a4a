"""Plain log lines: what they say beside their text (severity, attributes, ids) is lifted out of them."""

from __future__ import annotations

from airis_ray.telemetry.lines.lift import LiftRules, Line, json_text, lift, lift_document
from airis_ray.telemetry.lines.severity import infer

__all__ = ["LiftRules", "Line", "infer", "json_text", "lift", "lift_document"]
