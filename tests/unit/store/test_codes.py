"""ClickHouse's numbers become our errors."""

from __future__ import annotations

import pytest

from airis_ray.errors import AirisError, InvalidInput, StorageFull, TooLarge, Unavailable
from airis_ray.store.codes import StatementUnavailable, error_code, error_from


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (62, InvalidInput),
        (47, InvalidInput),
        (60, InvalidInput),
        (164, InvalidInput),
        (158, TooLarge),
        (159, TooLarge),
        (241, TooLarge),
        (307, TooLarge),
        (396, TooLarge),
        (202, Unavailable),
        (209, Unavailable),
        (210, Unavailable),
        (243, StorageFull),
        (252, StatementUnavailable),
        (516, Unavailable),
        (None, Unavailable),
    ],
)
def test_each_number_has_its_kind(code: int | None, kind: type[AirisError]) -> None:
    assert type(error_from(code, "x")) is kind


def test_the_sentence_is_clickhouses_without_its_noise() -> None:
    said = "Syntax error: failed at position 1. (SYNTAX_ERROR)"
    text = f"Code: 62. DB::Exception: {said} (version 26.9.2.1 (official build))\n"
    error = error_from(error_code(text), text)
    assert str(error) == f"{said} [ClickHouse code 62]"
    assert str(error_from(None, "")) == "the store answered what ClickHouse does not answer: no message"
