"""A session's summary: a pure function of the set of its chunks, in whatever order and however often they came.

* A **rage click** is three or more clicks, each within RAGE_MS after the one before and within RAGE_PX of the first.
* A **dead click** is one after which the tab shows no reaction (change of the page, scrolling, input, navigation,
  request) within ``dead_ms``, where the recording goes on for at least that long.

Chunks of a recorder are laid in a row by their numbers: a number that is missing is a gap, one that is there twice
counts once and is told. Chunks without numbers are ordered by their time, and told apart by what is in them.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from airis_ray.replay.chunks import Form
from airis_ray.replay.marks import MOST_MARKS, Facts, Mark, counts_as

RAGE_CLICKS: Final = 3
RAGE_MS: Final = 1000
RAGE_PX: Final = 30.0
MOST_URLS: Final = 100
"""Addresses and trace ids that a summary lists."""
_FIRST_NUMBER: Final = {"plain": 0, "otlp": 1}

Lane = tuple[str, str]
"""Form and tab: whose numbers belong together."""


@dataclass(frozen=True)
class Block:
    """A chunk as its row tells of it; ``copies`` says how often it came."""

    form: Form
    tab: str
    first: int
    last: int
    digest: str
    events: int
    size: int
    stored: int
    url: str
    copies: int
    facts: Facts
    received: int = 0
    """Milliseconds since 1970, the last time that it came."""
    user: str = ""
    page: str = ""
    user_agent: str = ""
    service: str = ""
    release: str = ""
    reason: str = ""
    attributes: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What the API calls it: the same for ever."""
        return f"{self.form}.{self.tab}.{self.first}.{self.digest[:12]}"


@dataclass(frozen=True)
class Placed:
    """A block in its lane; its first ``skip`` events are in blocks before it."""

    block: Block
    skip: int = 0

    @property
    def marks(self) -> list[Mark]:
        """The marks of the events that are its own."""
        return [mark for mark in self.block.facts.marks if mark["event"] >= self.skip]


@dataclass(frozen=True)
class Gap:
    """Numbers of a lane, both included, of which nothing came."""

    form: Form
    tab: str
    first: int
    last: int


@dataclass(frozen=True)
class Laid:
    """Blocks in their order, lane by lane; what is missing between them, what came more than once."""

    blocks: tuple[Placed, ...]
    missing: tuple[Gap, ...]
    duplicates: int

    @property
    def gaps(self) -> int:
        """How many numbers are missing."""
        return sum(gap.last - gap.first + 1 for gap in self.missing)

    @property
    def late(self) -> int:
        """Blocks that came once, and later than one behind them in their lane."""
        found = 0
        earliest: dict[Lane, int] = {}
        for each in reversed(self.blocks):
            block = each.block
            lane = (block.form, block.tab)
            found += block.copies == 1 and block.received > earliest.get(lane, block.received)
            earliest[lane] = min(earliest.get(lane, block.received), block.received)
        return found


@dataclass
class Summary:
    """One session. Times in milliseconds since 1970; ``urls`` and ``trace_ids`` in the order of time, each once."""

    start: int
    end: int
    user: str = ""
    service: str = ""
    release: str = ""
    user_agent: str = ""
    url_first: str = ""
    urls: list[str] = field(default_factory=list)
    trace_ids: list[str] = field(default_factory=list)
    pages: int = 0
    clicks: int = 0
    rage_clicks: int = 0
    dead_clicks: int = 0
    errors: int = 0
    console_errors: int = 0
    requests: int = 0
    failed_requests: int = 0
    events: int = 0
    bytes: int = 0
    stored_bytes: int = 0
    blocks: int = 0
    tabs: int = 0
    gaps: int = 0
    duplicates: int = 0
    attributes: dict[str, str] = field(default_factory=dict)
    copies: int = 0
    """Chunks that came, each time; grows with everything that comes, and is the summary's version."""

    def columns(self) -> dict[str, Any]:
        """Every field by its name."""
        return asdict(self)


def lay(blocks: Iterable[Block]) -> Laid:
    """Order the blocks of a session, each event once."""
    lanes: dict[Lane, list[Block]] = {}
    copies = 0
    for block in blocks:
        copies += block.copies
        lanes.setdefault((block.form, block.tab), []).append(block)
    placed: list[Placed] = []
    missing: list[Gap] = []
    # A lane's blocks by their numbers; of several from the same number the one that says most.
    for (form, tab), lane in sorted(lanes.items(), key=lambda item: (_start(item[1]), item[0])):
        if form == "timed":
            lane.sort(key=lambda each: (each.facts.start, each.digest))
            placed += [Placed(block) for block in lane]
            continue
        due = _FIRST_NUMBER[form]
        for block in sorted(lane, key=lambda each: (each.first, -each.last, -each.events, each.digest)):
            if block.last < due:
                continue
            if block.first > due:
                missing.append(Gap(block.form, tab, due, block.first - 1))
            placed.append(Placed(block, max(0, due - block.first) if form == "otlp" and due > 1 else 0))
            due = block.last + 1
    return Laid(tuple(placed), tuple(missing), copies - len(placed))


def summarise(blocks: Iterable[Block], dead_ms: int) -> Summary:
    """The summary of a session with at least one block."""
    laid = lay(blocks)
    used = laid.blocks
    by_time = sorted(used, key=lambda each: (each.block.facts.start, each.block.name))
    marks = sorted(
        (mark for each in used for mark in each.marks), key=lambda mark: (mark["at"], mark["kind"])
    )
    urls = [mark["url"] for mark in marks if mark["kind"] == "page" and mark["url"]]
    named = [each.block.page for each in by_time if each.block.page]
    first = by_time[0].block.page
    traces = [mark["trace_id"] for mark in marks if mark.get("trace_id")]
    rage, dead = unhappy_clicks(laid, dead_ms)
    found = Summary(
        start=min(each.block.facts.start for each in used),
        end=max(each.block.facts.end for each in used),
        url_first=first or (urls or named or [""])[0],
        urls=list(dict.fromkeys(urls or named))[:MOST_URLS],
        trace_ids=list(dict.fromkeys(traces))[:MOST_URLS],
        pages=_pages(used),
        clicks=sum(len(_clicks(each)) for each in used),
        rage_clicks=len(rage),
        dead_clicks=len(dead),
        requests=sum(mark["kind"] == "network" for mark in marks),
        events=sum(each.block.events - each.skip for each in used),
        bytes=sum(each.block.size for each in used),
        stored_bytes=sum(each.block.stored for each in used),
        blocks=len(used),
        tabs=len({each.block.tab for each in used}),
        gaps=laid.gaps,
        duplicates=laid.duplicates,
        copies=laid.duplicates + len(used),
    )
    for name in ("user", "service", "release", "user_agent"):
        setattr(found, name, next((text for each in by_time if (text := getattr(each.block, name))), ""))
    for each in reversed(by_time):
        found.attributes |= each.block.attributes
    _count(found, used, marks)
    return found


def unhappy_clicks(laid: Laid, dead_ms: int) -> tuple[list[Mark], list[Mark]]:
    """Rage clicks and dead clicks as marks, each with its tab and the place of its first click."""
    rage: list[Mark] = []
    dead: list[Mark] = []
    tabs: dict[str, list[Placed]] = {}
    for each in laid.blocks:
        tabs.setdefault(each.block.tab, []).append(each)
    for tab, placed in tabs.items():
        clicks = sorted(click for each in placed for click in _clicks(each))
        active = sorted(at for each in placed for at in each.block.facts.active)
        end = max(each.block.facts.end for each in placed)
        rage += [{"kind": "rage_click", "tab": tab, **mark} for mark in _rage(clicks)]
        for at, x, y, node in clicks:
            after = bisect.bisect_left(active, at)
            if end >= at + dead_ms and (after == len(active) or active[after] > at + dead_ms):
                dead.append({"kind": "dead_click", "tab": tab, "at": at, "x": x, "y": y, "node": node})
    return rage, dead


def _rage(clicks: Sequence[tuple[int, float, float, int]]) -> list[Mark]:
    """Runs of clicks near one spot, in order of time."""
    runs: list[list[tuple[int, float, float, int]]] = []
    for click in clicks:
        if runs:
            first, last = runs[-1][0], runs[-1][-1]
            near = abs(click[1] - first[1]) <= RAGE_PX and abs(click[2] - first[2]) <= RAGE_PX
            if near and click[0] - last[0] <= RAGE_MS:
                runs[-1].append(click)
                continue
        runs.append([click])
    return [
        {"at": run[0][0], "clicks": len(run), "x": run[0][1], "y": run[0][2], "node": run[0][3]}
        for run in runs
        if len(run) >= RAGE_CLICKS
    ]


def _pages(used: Iterable[Placed]) -> int:
    """Recorders repeat the address with every full snapshot: only another one than before in the tab is a page."""
    pages = 0
    last: dict[Lane, str] = {}
    for each in used:
        lane = (each.block.form, each.block.tab)
        for mark in each.marks:
            if mark["kind"] == "page" and mark["url"] not in ("", last.get(lane)):
                last[lane] = mark["url"]
                pages += 1
    return pages


def _clicks(placed: Placed) -> list[tuple[int, float, float, int]]:
    return [(at, x, y, node) for event, at, x, y, node in placed.block.facts.clicks if event >= placed.skip]


def _count(summary: Summary, used: Sequence[Placed], marks: Sequence[Mark]) -> None:
    for name in ("errors", "console_errors", "failed_requests"):
        beyond = sum(
            each.block.facts.beyond.get(name, 0)
            for each in used
            if len(each.block.facts.marks) >= MOST_MARKS and not each.skip
        )
        setattr(summary, name, sum(counts_as(mark) == name for mark in marks) + beyond)


def _start(lane: Sequence[Block]) -> tuple[int, str]:
    return min((block.facts.start, block.digest) for block in lane)
