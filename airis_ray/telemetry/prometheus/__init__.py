"""Prometheus remote write, 1.0 and 2.0, to OTLP metrics.

A series becomes a gauge or a cumulative sum under its own name with all of its labels, classic histograms and
summaries included (a sender spreads their series over requests, so that no receiver can put them together);
native histograms become OTLP's exponential ones, those with custom bounds explicit ones. ``job`` and ``instance``
also name the resource, as OpenTelemetry's compatibility specification has it. Stale markers and exemplars without
their sample are points without a recorded value.
"""

from __future__ import annotations

from airis_ray.telemetry.prometheus.series import Translated
from airis_ray.telemetry.prometheus.write import translate_v1, translate_v2

__all__ = ["Translated", "translate_v1", "translate_v2"]
