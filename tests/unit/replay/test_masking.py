"""What must not be kept is not kept, and the rest is left as it is."""

from __future__ import annotations

import copy
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airis_ray.errors import InvalidInput
from airis_ray.replay.chunks import read_json
from airis_ray.replay.masking import Masker
from airis_ray.replay.sensitive import luhn, masked, registration, suspicious
from airis_ray.settings import ReplaySettings
from tests.unit.replay.events import START, change, custom, element, meta, mutation, snapshot, text


def card(head: str) -> str:
    return next(head + str(digit) for digit in range(10) if luhn(head + str(digit)))


def resident(head: str) -> str:
    return next(head + str(digit) for digit in range(10) if registration(head + str(digit)))


@pytest.mark.parametrize(
    "secret",
    [
        "kim.min-su+shop@mail.example.co.kr",
        "4111111111111111",
        "4111 1111 1111 1111",
        "5555-5555-5555-4444",
        "3782 822463 10005",
        "900101-1234567",
        "900101 – 1234567",
        resident("900101123456"),
    ],
)
@pytest.mark.parametrize("around", ["{}", "pay {} now", "no.{}", "카드{}번", "a:{},b", "x{} 123"])
def test_secrets_in_texts(secret: str, around: str) -> None:
    said = around.format(secret)
    if "x" in around and "@" in secret:
        return  # the letter belongs to the address
    found = masked(said)
    assert secret not in found
    assert len(found) == len(said)
    assert not any(part in found for part in secret.split() if len(part) > 4)


@pytest.mark.parametrize(
    "harmless",
    [
        "1765000000000",
        "4111111111111112",
        "901301-1234567",
        "900101123456" + str((int(resident("900101123456")[-1]) + 1) % 10),
        "@media (min-width: 600px)",
        "a@b",
        "translate(0.4111111111111111px, 12.900101123456)",
        "M12.5 24.25 33 44.5",
        "2026-11-23 15:48:36",
        "010-1234-5678",
    ],
)
def test_what_only_looks_alike_stays(harmless: str) -> None:
    assert masked(harmless) == harmless


alphabet = st.text(st.sampled_from('0123456789 -@.ab"\\\n카–'), max_size=40)


@settings(max_examples=150, deadline=None)
@given(alphabet, st.sampled_from(["", "4111 1111 1111 1111", "a@b.co", "900101-1234567"]), alphabet)
def test_the_quick_look_misses_nothing(before: str, secret: str, after: str) -> None:
    said = before + secret + after
    if masked(said) != said:
        assert suspicious(orjson.dumps({"t": said}))
    assert masked(masked(said)) == masked(said)


def mask(events: list[Any], **options: Any) -> list[Any]:
    texts = Masker(ReplaySettings(**options)).encode(copy.deepcopy(events))
    return [orjson.loads(each) for each in texts]


def test_values_of_inputs() -> None:
    page = snapshot(
        START,
        element(3, "input", {"type": "text", "value": "secret", "placeholder": "Name"}),
        element(4, "input", {"type": "submit", "value": "Send"}),
        element(5, "textarea", {}, text(6, "secret words")),
        element(7, "select", {"value": "secret"}, element(8, "option", {"selected": True}, text(9, "Visa"))),
        element(10, "p", {}, text(11, "Shown")),
    )
    events = [page, change(START, 5, text="secret", isChecked=True, id=3)]
    said = orjson.dumps(mask(events)).decode()
    assert "secret" not in said
    assert "selected" not in said
    for kept in ("Name", "Send", "Shown", "Visa", '"isChecked":true', "****** *****"):
        assert kept in said
    assert mask(events, mask_inputs=False) == events


def test_selectors() -> None:
    inner = element(5, "b", {}, text(6, "inner secret"))
    page = snapshot(
        START,
        element(3, "div", {"class": "a private b"}, text(4, "a secret"), inner),
        element(7, "p", {"data-kind": "x", "title": "secret"}, text(8, "secret")),
        element(9, "p", {}, text(10, "Shown")),
    )
    said = orjson.dumps(mask([page], mask_selectors=".private, p[data-kind=x]")).decode()
    assert "secret" not in said
    assert "Shown" in said
    later = mutation(
        START,
        texts=[{"id": 10, "value": "now shown"}, {"id": 6, "value": "secret"}, {"id": 99, "value": "secret"}],
        adds=[
            {"parentId": 9, "nextId": None, "node": text(11, "added")},
            {"parentId": 5, "nextId": None, "node": text(12, "secret")},
            {"parentId": 98, "nextId": None, "node": text(13, "secret")},
        ],
    )
    said = orjson.dumps(mask([page, later], mask_selectors=".private, p[data-kind=x]")).decode()
    assert "secret" not in said
    assert "now shown" in said
    assert "added" in said


def test_patterns_and_every_place_a_text_can_be() -> None:
    events = [
        meta(START, "https://shop.example/?mail=kim@example.com"),
        custom(START, "console", level="log", text="order A-12345 of kim@example.com"),
        custom(START, "network", url="/users/kim@example.com", status=200),
    ]
    said = orjson.dumps(mask(events, mask_patterns=r"[A-Z]-\d{5} nothing")).decode()
    assert "kim@" not in said
    assert "A-12345" not in said
    assert "A-12345" in orjson.dumps(mask(events, mask_text=False)).decode()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(["", "kim@example.com", "900101-1234567", "4111111111111111", "x"]), max_size=12)
)
def test_each_event_is_looked_at(said: list[str]) -> None:
    found = mask([custom(START, "console", level="log", text=each) for each in said])
    texts = [each["data"]["payload"]["text"] for each in found]
    assert texts == ["*" * len(each) if len(each) > 1 else each for each in said]


def test_events_without_secrets_are_not_changed() -> None:
    page = snapshot(START, element(3, "style", {}, text(4, "@media print { p { margin: 1.5px } }")))
    events = [meta(START), page, mutation(START), change(START, 1, positions=[{"x": 1.23456789012345}])]
    assert mask(events) == events


@pytest.mark.parametrize("bad", ["div > p", "p:hover", "a b"])
def test_selectors_that_are_not_understood_are_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="combinators"):
        ReplaySettings(mask_selectors=bad)


def test_halves_of_surrogate_pairs_are_mended() -> None:
    assert read_json(rb'["a\ud83d", "\ud83d\ude00", "\\ud83d", "\ude00b"]') == [
        "a\ufffd",
        "😀",
        "\\ud83d",
        "\ufffdb",
    ]
    with pytest.raises(orjson.JSONDecodeError):
        read_json(b"[")


def test_an_event_that_is_nested_too_deeply_is_refused() -> None:
    nested: Any = "kim@example.com"
    for _ in range(260):
        nested = [nested]
    with pytest.raises(InvalidInput, match="cannot be written"):
        mask([{"type": 5, "data": nested, "timestamp": START}])


def test_patterns_that_re2_does_not_know_are_refused() -> None:
    with pytest.raises(ValueError, match="invalid perl operator"):
        ReplaySettings(mask_patterns="(?<=a)b")
