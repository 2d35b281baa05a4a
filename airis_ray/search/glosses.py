"""What the parts of telemetry's names are called by people, in both languages (``words/names.toml``).

A name of a tenant (``app.payment.method``, ``product-catalog``, ``kafka.consumer.lag``) is a sequence of parts; a
reader who says 결제수단 or "pay type" means it by the words for its parts. The tables are of the trade's vocabulary,
not of any tenant's.
"""

from __future__ import annotations

from typing import Final

from airis_ray.search.wordlists import forms, table

PARTS: Final = {part: forms(written) for part, written in table("names")["parts"].items()}
"""English part → other words for it."""

KEYS: Final = {key: forms(written) for key, written in table("names")["keys"].items()}
"""Attribute keys of the semantic conventions → what people call them, where that is more than their parts."""

VALUES: Final = {value: forms(written) for value, written in table("names")["values"].items()}
"""Common values → what people call them; used where the tenant has the value."""

WEAK: Final = frozenset(forms(table("names")["weak"]["parts"]))
"""Parts that tell nothing alone: a name is not meant by them unless others of its parts are said, too."""
