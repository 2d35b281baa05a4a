"""Words: how Hangul is cut, what sounds alike, what is mistyped, and what a name is called."""

from __future__ import annotations

import pytest

from airis_ray.search.catalog import Attribute, Catalog
from airis_ray.search.korean import distance, is_korean, sound
from airis_ray.search.tokens import scan
from airis_ray.search.understanding import read_question
from airis_ray.search.units import units
from tests.unit.search.conftest import NOW, ZONE


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("체크아웃서비스에러로그보여줘", ["체크아웃", "서비스", "에러", "로그", "보여줘"]),
        ("체크 아웃 서비스 에러 로그", ["체크 아웃", "서비스", "에러", "로그"]),
        (
            "결제서비스에서난에러로그좀뽑아주세요",
            ["결제", "서비스", "에서", "난", "에러", "로그", "좀", "뽑아주세요"],
        ),
        ("응답 시간이", ["응답 시간", "이"]),
        ("나라별로", ["나라", "별로"]),
    ],
)
def test_hangul_is_cut_into_words_whatever_its_spaces(text: str, words: list[str], catalog: Catalog) -> None:
    assert [unit.text for unit in units(text, catalog.names)] == words


@pytest.mark.parametrize(
    ("written", "service"),
    [
        ("체크아웃", "checkout"),
        ("커런시", "currency"),
        ("프런트엔드", "frontend"),
        ("리커멘데이션", "recommendation"),
        ("쉬핑", "shipping"),
        ("paymnet", "payment"),
        ("recomendation", "recommendation"),
        ("chekout", "checkout"),
        ("shiping", "shipping"),
        ("product catalog", "product-catalog"),
        ("productcatalog", "product-catalog"),
        ("상품 카탈로그", "product-catalog"),
        ("fraud detection", "fraud-detection"),
        ("장바구니", "cart"),
        ("배송", "shipping"),
        ("환율", "currency"),
        ("견적", "quote"),
    ],
)
def test_a_service_by_another_word_sound_or_a_typo(written: str, service: str, catalog: Catalog) -> None:
    names = catalog.names.of_form(written) or catalog.names.near(written)
    assert service in {name.value for name in names if name.kind == "service"}


@pytest.mark.parametrize(
    ("written", "key", "value"),
    [
        ("카카오페이", "app.payment.method", "kakaopay"),
        ("kakao pay", "app.payment.method", "kakaopay"),
        ("한국", "app.country", "KR"),
        ("germany", "app.country", "DE"),
        ("플래티넘", "app.user.tier", "platinum"),
        ("크롬", "user_agent.name", "Chrome"),
        ("삼성 인터넷", "user_agent.name", "Samsung Internet"),
        ("postgres", "db.system", "postgresql"),
        ("스테이징", "deployment.environment.name", "staging"),
        ("prod", "deployment.environment.name", "production"),
        ("서울 리전", "cloud.region", "ap-northeast-2"),
    ],
)
def test_a_value_by_another_word(written: str, key: str, value: str, catalog: Catalog) -> None:
    assert (key, value) in {(name.key, name.value) for name in catalog.names.of_form(written)}


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("결제수단", "app.payment.method"),
        ("payment method", "app.payment.method"),
        ("나라", "app.country"),
        ("회원 등급", "app.user.tier"),
        ("주문 금액", "app.order.amount"),
        ("order value", "app.order.amount"),
        ("라우트", "http.route"),
        ("endpoints", "http.route"),
        ("상태 코드", "http.response.status_code"),
        ("browser", "user_agent.name"),
        ("버전", "service.version"),
        ("pods", "k8s.pod.name"),
        ("error type", "error.type"),
    ],
)
def test_an_attribute_by_another_word(written: str, key: str, catalog: Catalog) -> None:
    assert key in {name.value for name in catalog.names.of_form(written) if name.kind == "key"}


@pytest.mark.parametrize(
    ("written", "metric"),
    [
        ("CPU 사용률", "process.cpu.utilization"),
        ("memory usage", "process.memory.usage"),
        ("컨슈머 랙", "kafka.consumer.lag"),
        ("disk utilization", "system.disk.utilization"),
        ("대기열 길이", "queue.depth"),
        ("active requests", "http.server.active_requests"),
    ],
)
def test_a_metric_by_another_word(written: str, metric: str, catalog: Catalog) -> None:
    assert metric in {name.value for name in catalog.names.of_form(written) if name.kind == "metric"}


def test_nobodys_name_is_nobodys(catalog: Catalog) -> None:
    for word in ("inventory", "warehouse", "settlement", "인벤토리", "정산소"):
        assert not [
            name
            for name in (catalog.names.of_form(word) or catalog.names.near(word))
            if name.kind == "service"
        ]


def test_distance_counts_a_swap_once_and_stops_at_its_limit() -> None:
    assert distance("paymnet", "payment", 2) == 1
    assert distance("cart", "shipping", 2) == 3


def test_what_sounds_alike() -> None:
    assert sound("체크아웃") == sound("checkout")
    assert sound("프론트엔드") == sound("frontend")


@pytest.mark.parametrize(
    ("question", "korean"),
    [("에러 로그", True), ('logs with "결제"', False), ("show me logs", False), ("payment 로그", True)],
)
def test_the_language_of_a_question_is_that_outside_of_its_quotes(question: str, korean: bool) -> None:
    assert is_korean(question) is korean


def test_the_pieces_of_a_question() -> None:
    text = "GET /product/{id} 5xx 'no such host' v2.4.0 10:30 50,000 p99 2026-11-03T10:00:00Z ５００ｍｓ"
    assert [str(token.kind) for token in scan(text)] == [
        "word",
        "path",
        "class",
        "quoted",
        "version",
        "clock",
        "number",
        "word",
        "moment",
        "number",
        "word",
    ]


def test_an_exception_is_looked_for_as_it_is_written_whatever_the_logs_looked_at_say() -> None:
    catalog = Catalog({"ad"})
    catalog.attributes["exception.type"] = Attribute({"logs", "traces"}, {"NullPointerException": 1})
    found = read_question("OutOfMemoryError or NullPointerException logs", NOW, ZONE, catalog)
    assert found.meaning.query() == "(OutOfMemoryError or NullPointerException)"
