"""A session is what its chunks are, in whatever order and however often they come."""

from __future__ import annotations

import copy
import itertools
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airis_ray.replay.chunks import Chunk, Origin, pack
from airis_ray.replay.events import new_marks
from airis_ray.replay.marks import facts_of
from airis_ray.replay.masking import Masker
from airis_ray.replay.summary import Block, lay, summarise
from airis_ray.replay.tables import block_of, block_row
from airis_ray.settings import ReplaySettings
from tests.unit.replay.events import START, Event, change, click, custom, meta, mutation

DEAD_MS = 3000
MASKER = Masker(ReplaySettings())


def chunk(events: list[Event], first: int, form: Any = "plain", tab: str = "t") -> Chunk:
    events = copy.deepcopy(events)
    return pack(Origin("s", tab, form, user="u"), first, events, MASKER.encode(events))


def block(of: Chunk, copies: int = 1) -> Block:
    row = block_row("t", of, "x", START).to_pylist()[0]
    return block_of({**row, "Copies": copies})


def blocks(*events: list[Event], form: Any = "plain") -> list[Block]:
    """The events in chunks, numbered as their form does."""
    found = []
    number = 0 if form == "plain" else 1
    for each in events:
        found.append(block(chunk(each, number, form)))
        number += 1 if form == "plain" else len(each)
    return found


step = st.tuples(
    st.integers(0, 4000), st.sampled_from(["click", "far", "change", "error", "page", "move", "failed"])
)


def recording(steps: list[tuple[int, str]]) -> list[Event]:
    events, at = [meta(START)], START
    for wait, kind in steps:
        at += wait
        events.append(
            {
                "click": click(at),
                "far": click(at, 500, 500),
                "change": mutation(at),
                "error": custom(at, "console", level="error", text=str(at)),
                "page": meta(at, f"https://shop.example/{at}"),
                "move": change(at, 1, positions=[]),
                "failed": custom(at, "network", method="GET", url="/a", status=500, duration_ms=10),
            }[kind]
        )
    return events


def cut(events: list[Event], places: list[int]) -> list[list[Event]]:
    edges = sorted({0, len(events), *(place % (len(events) + 1) for place in places)})
    return [events[a:b] for a, b in itertools.pairwise(edges) if a < b]


@settings(max_examples=60, deadline=None)
@given(st.lists(step, max_size=25), st.lists(st.integers(0, 100), max_size=6), st.data())
def test_order_repetition_and_cutting_do_not_matter(
    steps: list[tuple[int, str]], places: list[int], data: st.DataObject
) -> None:
    events = recording(steps)
    whole = summarise(blocks(events), DEAD_MS)
    for form in ("plain", "otlp"):
        parts = blocks(*cut(events, places), form=form)
        came = data.draw(st.permutations(parts))
        again = data.draw(st.lists(st.integers(1, 3), min_size=len(parts), max_size=len(parts)))
        found = summarise([replace(b, copies=n) for b, n in zip(came, again, strict=True)], DEAD_MS)
        assert found.duplicates == sum(again) - len(parts)
        assert found.gaps == 0
        assert told(found) == told(whole)
        assert [b.block for b in lay(came).blocks] == parts


def told(summary: Any) -> dict[str, Any]:
    apart = ("bytes", "stored_bytes", "blocks", "copies", "duplicates")
    return {name: value for name, value in summary.columns().items() if name not in apart}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 100), min_size=2, max_size=8), st.sets(st.integers(0, 20), max_size=6))
def test_what_is_missing_is_told(places: list[int], lost: set[int]) -> None:
    events = recording([(100, "move")] * 30)
    for form in ("plain", "otlp"):
        parts = blocks(*cut(events, places), form=form)
        left = [b for n, b in enumerate(parts) if n not in lost or n == len(parts) - 1]
        missing = [b for b in parts if b not in left]
        expected = len(missing) if form == "plain" else sum(b.events for b in missing)
        assert summarise(left, DEAD_MS).gaps == expected


def test_events_that_come_in_two_requests_of_the_sdk_count_once() -> None:
    events = recording([(500, "error"), (500, "click"), (10, "change"), (500, "error"), (500, "click")])
    first, second = chunk(events[:4], 1, "otlp"), chunk(events[2:], 3, "otlp")
    found = summarise([block(second), block(first)], DEAD_MS)
    whole = summarise(blocks(events, form="otlp"), DEAD_MS)
    assert told(found) == told(whole)
    assert [(p.block.first, p.skip) for p in lay([block(second), block(first)]).blocks] == [(1, 0), (3, 2)]


@pytest.mark.parametrize(
    ("events", "rage", "dead"),
    [
        ([click(START + 300 * n) for n in range(3)], 1, 0),
        ([click(START + 300 * n) for n in range(2)], 0, 0),
        ([click(START + 1001 * n) for n in range(3)], 0, 0),
        ([click(START + 300 * n, 40 * n) for n in range(3)], 0, 0),
        ([click(START + 300 * n) for n in range(7)], 1, 0),
        ([click(START), change(START + 3000, 1)], 0, 1),
        ([click(START), change(START + 2999, 1)], 0, 0),  # nobody knows what came
        ([click(START), mutation(START + 3000), change(START + 9000, 1)], 0, 0),
        ([click(START), mutation(START + 3001), change(START + 9000, 1)], 0, 1),
        ([click(START), mutation(START - 1), change(START + 9000, 1)], 0, 1),
        (
            [click(START), custom(START + 8000, "network", status=200, duration_ms=7500)],
            0,
            0,
        ),  # it began after the click
    ],
)
def test_clicks_that_helped_nobody(events: list[Event], rage: int, dead: int) -> None:
    found = summarise(blocks(events), DEAD_MS)
    assert (found.rage_clicks, found.dead_clicks) == (rage, dead)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 2000), max_size=30), st.lists(st.integers(0, 2000), max_size=8))
def test_thinned_times_answer_the_same_for_every_click(changes: list[int], clicks: list[int]) -> None:
    events = [*(mutation(START + at) for at in changes), *(click(START + at) for at in clicks)]
    if not events:
        return
    active = facts_of(events).active
    for at in clicks:
        after = [each for each in changes if each > at]
        kept = [each - START for each in active if each - START > at]
        assert (min(after) if after else None) == (min(kept) if kept else None)


def test_a_snapshot_of_the_same_page_is_no_other_page() -> None:
    cart = "https://shop.example/cart"
    chunks = blocks(
        [meta(START), meta(START + 30_000)],
        [meta(START + 60_000), meta(START + 61_000, cart)],
        [meta(START + 90_000, cart), meta(START + 91_000)],
    )
    assert summarise(chunks, DEAD_MS).pages == 3


def test_marks_are_new_with_the_chunk_that_brings_them() -> None:
    parts = blocks(
        [click(START), click(START + 300)], [click(START + 600), custom(START + 700, "error", message="x")]
    )
    assert [mark["kind"] for mark in new_marks(parts[:1], parts, DEAD_MS)] == ["rage_click", "error"]
    assert new_marks(parts, parts, DEAD_MS) == []
    assert [mark["kind"] for mark in new_marks(parts[1:], parts, DEAD_MS)] == ["rage_click"]
