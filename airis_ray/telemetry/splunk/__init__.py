"""Splunk's HTTP Event Collector: events to OTLP logs, metric events to OTLP gauges, raw lines to OTLP logs.

Metadata are named as the OpenTelemetry Collector's receiver of this format names them: ``host.name``,
``com.splunk.source``, ``com.splunk.sourcetype``, ``com.splunk.index``.
"""

from __future__ import annotations

from airis_ray.telemetry.splunk.events import BadEvent, Translated, translate_events, translate_raw

__all__ = ["BadEvent", "Translated", "translate_events", "translate_raw"]
