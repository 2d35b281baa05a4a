"""The critical path of a trace: the spans whose time is the time of the root.

The walk is the one of CRISP (Zhang et al., USENIX ATC 2022) and of Jaeger: from the root's end backwards,
each time into the child that finished last before the moment looked at. What runs beside it, and what nobody
waited for, is not on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

_TOLERANCE_NS = 1_000_000
_TOLERANCE_SHARE = 0.01


@dataclass(frozen=True, slots=True)
class PathSpan:
    """What the path needs of a span; times in nanoseconds, ``process`` names what shares one clock."""

    span_id: str
    parent_span_id: str
    start: int
    end: int
    kind: str
    process: str


def critical_path(spans: Sequence[PathSpan]) -> list[str]:
    """The ids on the path, by their (adjusted) start, the root first; empty for no spans.

    The root is the longest span without a parent, or of an incomplete trace the longest whose parent is
    missing. Clocks of other processes are adjusted as Jaeger does. A child that ends after its parent was not
    waited for, unless it is the server of a synchronous call: that one counts until the caller gave up.
    """
    known = {span.span_id: span for span in reversed(spans)}
    root = _root(known)
    if root is None:
        return []
    return _walk(root, _adjusted(root, _children(known)))


def _root(known: dict[str, PathSpan]) -> PathSpan | None:
    def worth(span: PathSpan) -> tuple[bool, int, int]:
        return (not span.parent_span_id, span.end - span.start, -span.start)

    tops = [span for span in known.values() if span.parent_span_id not in known]
    # Without a top the parents go round in a circle: any span of it is as good as another.
    return max(tops or known.values(), key=worth, default=None)


def _children(known: dict[str, PathSpan]) -> dict[str, list[PathSpan]]:
    children: dict[str, list[PathSpan]] = {}
    for span in known.values():
        if span.parent_span_id != span.span_id:
            children.setdefault(span.parent_span_id, []).append(span)
    return children


def _adjusted(root: PathSpan, children: dict[str, list[PathSpan]]) -> dict[str, list[PathSpan]]:
    """The tree under the root on the root's clock."""
    tree: dict[str, list[PathSpan]] = {}
    waiting = [(root, 0)]
    while waiting:
        parent, offset = waiting.pop()
        if parent.span_id in tree:
            continue
        tree[parent.span_id] = []
        for child in children.get(parent.span_id, ()):
            shift = offset
            moved = replace(child, start=child.start + shift, end=child.end + shift)
            if child.process != parent.process:
                skew = _skew(moved, parent)
                shift += skew
                moved = replace(moved, start=moved.start + skew, end=moved.end + skew)
            tree[parent.span_id].append(moved)
            waiting.append((moved, shift))
    return tree


def _skew(child: PathSpan, parent: PathSpan) -> int:
    """Nanoseconds to add to the child's clock (Jaeger's rule: the network takes as long there as back)."""
    spare = (parent.end - parent.start) - (child.end - child.start)
    if spare < 0 or not _synchronous(parent, child):
        return max(0, parent.start - child.start)
    if parent.start <= child.start and child.end <= parent.end:
        return 0
    return parent.start + spare // 2 - child.start


def _synchronous(parent: PathSpan, child: PathSpan) -> bool:
    return child.kind == "Server" and parent.kind != "Producer"


def _walk(root: PathSpan, tree: dict[str, list[PathSpan]]) -> list[str]:
    found: list[PathSpan] = []
    waiting = [(root, root.end)]
    seen = {root.span_id}
    while waiting:
        span, until = waiting.pop()
        found.append(span)
        for child, end in _last_finishing(span, until, tree.get(span.span_id, ())):
            if child.span_id not in seen:
                seen.add(child.span_id)
                waiting.append((child, end))
    depth = {span.span_id: index for index, span in enumerate(found)}
    return [span.span_id for span in sorted(found, key=lambda span: (span.start, depth[span.span_id]))]


def _last_finishing(
    span: PathSpan, until: int, children: Iterable[PathSpan]
) -> Iterable[tuple[PathSpan, int]]:
    """The children on the path, last first, each with the time until which it is looked at."""
    slack = min(_TOLERANCE_NS, int((span.end - span.start) * _TOLERANCE_SHARE))
    candidates = [
        (min(child.end, until), -child.start, child)
        for child in children
        if child.start < until and (child.end <= span.end + slack or _synchronous(span, child))
    ]
    cursor = until
    for end, _, child in sorted(candidates, key=lambda item: item[:2], reverse=True):
        # Equal ends: the longer child comes first, and the shorter one then ends after the cursor.
        if end <= cursor and child.start < cursor:
            yield child, end
            cursor = max(child.start, span.start)
