"""Elasticsearch's bulk requests to OTLP logs: a document is a log record, its fields are attributes.

Fields that describe where the document comes from (``service.*``, ``host.*``, ``kubernetes.*``, … of the Elastic
Common Schema) belong to the resource. Documents are appended: ids are kept as attributes and overwrite nothing.
"""

from __future__ import annotations

from airis_ray.telemetry.elastic.bulk import Bulk, Item, translate_bulk, translate_document

__all__ = ["Bulk", "Item", "translate_bulk", "translate_document"]
