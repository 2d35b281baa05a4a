"""The numbers that rrweb 2 gives to kinds of events, sources of changes and nodes (``packages/types`` of rrweb)."""

from __future__ import annotations

from typing import Any, Final

Event = dict[str, Any]
"""``{"type": int, "data": …, "timestamp": milliseconds since 1970}``."""

FULL_SNAPSHOT: Final = 2
INCREMENTAL: Final = 3
META: Final = 4
CUSTOM: Final = 5
PLUGIN: Final = 6

MUTATION: Final = 0
MOUSE_INTERACTION: Final = 2
INPUT: Final = 5

CLICK: Final = 2
FOCUS: Final = 5

ELEMENT: Final = 2
TEXT: Final = 3

REACTIONS: Final = frozenset({MUTATION, 3, 4, INPUT, 7, 8, 9, 13, 14, 15, 16})
"""Sources of changes that a page or its visitor sees after a click: mutation, scroll, viewport, input, media, style
sheets, canvas, style declarations, selection, adopted style sheets, custom elements."""
