"""Logs by meaning, with the model that the package carries, in both directions between the languages."""

from __future__ import annotations

import pytest

from airis_ray.demo.templates import load
from airis_ray.search.embedding import E5
from airis_ray.search.models import SimilarRequest
from airis_ray.search.similar import Similar
from airis_ray.search.templates import WILDCARD, Found, Template

MEANT = {
    "결제 실패": "payment declined",
    "payment declined": "결제 승인이 거절",
    "디스크 꽉 참": "no space left on device",
    "out of memory": "메모리 부족",
    "재고 없음": "out of stock",
    "메일이 안 갔어요": "메일 발송 실패",
    "name resolution failure": "no such host",
    "교착 상태": "deadlock",
    "too many requests": "rate limit",
    "느린 쿼리": "slow query",
}


class Said:
    """The shop's templates, whatever the range."""

    def __init__(self) -> None:
        bodies = {WILDCARD.join(item.body[::2]) for item in load()}
        self.found = Found(
            tuple(Template(body, 1, body, ("shop",), 0, 0) for body in sorted(bodies)), len(bodies), False
        )

    async def of(self, tenant: str, asked: object) -> Found:
        return self.found


@pytest.fixture(scope="module")
def similar() -> Similar:
    return Similar(Said(), E5(budget=60.0), lambda: 10**18)


@pytest.mark.parametrize("text", MEANT)
async def test_what_is_meant_is_among_the_first(text: str, similar: Similar) -> None:
    answer = await similar.find(SimilarRequest(text=text, limit=5), "t")
    assert any(MEANT[text] in pattern.template for pattern in answer.patterns), [
        each.template for each in answer.patterns
    ]
    assert [each.score for each in answer.patterns] == sorted(
        (each.score for each in answer.patterns), reverse=True
    )


async def test_what_the_model_has_no_time_for_is_found_by_its_words() -> None:
    answer = await Similar(Said(), E5(budget=0.0), lambda: 10**18).find(
        SimilarRequest(text="deadlock", limit=3), "t"
    )
    assert "deadlock" in answer.patterns[0].template
