"""Every service by every shape of question by every time: the parts of a question do not get in one another's way."""

from __future__ import annotations

from datetime import datetime
from itertools import product

import pytest

from airis_ray.search.catalog import Catalog
from airis_ray.search.understanding import read_question
from tests.support.nl_search import ANALYTICS, Question, same_request
from tests.unit.search.conftest import NOW, ZONE

KOREAN_NAMES = {
    "checkout": "체크아웃",
    "cart": "장바구니",
    "shipping": "배송",
    "email": "이메일",
    "ad": "광고",
    "currency": "환율",
}
TIMES = {
    "최근 40분": ("2026-11-05T13:40:00+09:00", "2026-11-05T14:20:00+09:00"),
    "어제 오후 3시부터 5시": ("2026-11-04T15:00:00+09:00", "2026-11-04T17:00:00+09:00"),
    "오늘 오전 10시 이후": ("2026-11-05T10:00:00+09:00", "2026-11-05T14:20:00+09:00"),
    "지난주 수요일": ("2026-10-28T00:00:00+09:00", "2026-10-29T00:00:00+09:00"),
    "last 40 minutes": ("2026-11-05T13:40:00+09:00", "2026-11-05T14:20:00+09:00"),
    "yesterday between 3 and 5pm": ("2026-11-04T15:00:00+09:00", "2026-11-04T17:00:00+09:00"),
    "since 10am": ("2026-11-05T10:00:00+09:00", "2026-11-05T14:20:00+09:00"),
}
SHAPES = {
    "{time} {service} 에러 로그 보여주세요": ("logs", "service:{name} and level:(error or fatal)", {}),
    "{service} 서비스 경고 이상 로그 {time}": (
        "logs",
        "service:{name} and level:(warn or error or fatal)",
        {},
    ),
    "{time} {service}에서 실패한 요청": ("traces", "service:{name} and SpanKind:Server and status:error", {}),
    "{service} 요청 중 800ms 넘는 것 {time}": (
        "traces",
        "service:{name} and SpanKind:Server and duration:>800ms",
        {},
    ),
    "{service} p95 응답시간 {time} 5분 간격": (
        "traces",
        "service:{name} and SpanKind:Server",
        {"aggregate": "p95", "field": "duration", "step": "5m"},
    ),
    "error logs from {service} {time}": ("logs", "service:{name} and level:(error or fatal)", {}),
    "failed {service} requests {time}": ("traces", "service:{name} and SpanKind:Server and status:error", {}),
    "{service} requests over 1.5s {time}": (
        "traces",
        "service:{name} and SpanKind:Server and duration:>1500ms",
        {},
    ),
    "error rate of {service} by region, {time}, per 10 minutes": (
        "traces",
        "service:{name} and SpanKind:Server",
        {"aggregate": "error_rate", "group_by": ["cloud.region"], "step": "10m"},
    ),
}
CASES = [
    (shape, name, time)
    for shape, name, time in product(SHAPES, ["payment", "quote", "product-catalog", *KOREAN_NAMES], TIMES)
    if shape.isascii() == time.isascii()
]


@pytest.mark.parametrize("shape", SHAPES)
def test_services_and_times_in_a_shape(shape: str, catalog: Catalog) -> None:
    signal, query, extra = SHAPES[shape]
    wrong = []
    for _, name, time in (case for case in CASES if case[0] == shape):
        said = name if shape.isascii() else KOREAN_NAMES.get(name, name)
        text = shape.format(service=said, time=time)
        start, end = TIMES[time]
        endpoint = f"{ANALYTICS}/{'timeseries' if extra else 'search'}"
        body = {"signal": signal, "query": query.format(name=name), "from": start, "to": end, **extra}
        found = read_question(text, NOW, ZONE, catalog)
        question = Question(text, "mixed", text, NOW.isoformat(), ZONE, (), frozenset({"asks:step"}))
        if found.proposal is None:
            wrong.append((text, found.meaning.unresolved))
            continue
        request = {"endpoint": found.proposal.endpoint, "body": found.proposal.body}
        reason = same_request(question, request, {"endpoint": endpoint, "body": body})
        wrong += [(text, reason)] if reason else []
    assert wrong == []


@pytest.mark.parametrize(
    "text",
    [
        "최근 40분 payment 에러 로그",
        "payment 최근 40분 로그 에러",
        "에러 로그 payment 최근 40분",
        "로그 에러 최근40분 payment",
    ],
)
def test_the_order_of_words_is_free(text: str, catalog: Catalog) -> None:
    found = read_question(text, NOW, ZONE, catalog)
    assert found.proposal is not None
    assert found.proposal.body["query"] == "service:payment and level:(error or fatal)"
    assert datetime.fromisoformat(found.proposal.body["from"]) == datetime.fromisoformat(
        TIMES["최근 40분"][0]
    )
