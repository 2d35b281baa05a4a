"""Log records: the words that searches ask for, levels, languages, and the spans they belong to."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest

from airis_ray.demo import payloads, templates, wire
from airis_ray.demo.failures import TABLE, works
from airis_ray.demo.model import Call, Publish
from airis_ray.demo.variables import VARIABLES
from airis_ray.demo.world.operations import OPERATIONS
from airis_ray.demo.world.vocabulary import REASONS
from tests.unit.demo.conftest import START, Sent, mapping

WORDS = (
    *("한도초과", "잔액부족", "결제 승인이 거절", "재고 부족", "배송지", "메일 발송 실패", "캐시 미스"),
    *(
        "주문이 완료되었습니다",
        "timeout",
        "declined",
        "connection refused",
        "connection reset",
        "no such host",
    ),
    *("DNS lookup failed", "no space left on device", "OutOfMemoryError", "NullPointerException", "deadlock"),
    *("slow query", "rate limit", "retrying"),
)


def test_there_are_about_150_templates_a_third_of_them_korean() -> None:
    bodies = {"".join(template.body) for template in templates.load()}
    korean = [body for body in bodies if re.search("[가-힣]", body)]
    assert 140 <= len(bodies) <= 180
    assert 0.25 <= len(korean) / len(bodies) <= 0.40


def test_templates_are_of_operations_that_there_are() -> None:
    keys = set(OPERATIONS)
    for operation in OPERATIONS.values():
        keys |= {work.key for work in works(operation.steps)}
        keys |= {f"{operation.key}>{step.topic}" for step in operation.steps if isinstance(step, Publish)}
        assert all(step.operation in OPERATIONS for step in operation.steps if isinstance(step, Call))
    types = {failure.type for failure in TABLE}
    for template in templates.load():
        assert template.on in keys
        assert template.level in templates.LEVELS
        assert template.when in {"ok", "failed", "soft", "slow", "miss", "flood"} | types
        assert template.high <= 1.0 + 1e-9
        assert set(template.body[1::2]) <= set(VARIABLES)


def test_the_searched_words_are_written_somewhere() -> None:
    possible = " ".join(part for template in templates.load() for part in template.body[::2])
    possible += " ".join(failure.message + failure.stack for failure in TABLE) + " ".join(REASONS)
    for word in WORDS:
        assert word in possible


def test_an_hour_has_every_level_and_all_of_the_words() -> None:
    """Read from the bytes: every log record's body and level is in them as it is."""
    run = payloads(seed=3, start=START, duration="40m", rate=6, faults=("dns-failure@1m", "memory-leak"))
    text = b"".join(payload.body for payload in run if payload.signal == "logs")
    levels = Counter({level: text.count(wire.field(3, level)) for level in templates.LEVELS})
    assert levels["INFO"] > levels["DEBUG"] > levels["WARN"] > levels["ERROR"] > levels["FATAL"] > 0
    assert levels["TRACE"] > 0
    missing = [word for word in WORDS if word.encode() not in text]
    assert missing == []


def test_records_belong_to_their_span(sent: Sent) -> None:
    spans = {span.span_id: (resource, span) for resource, span in sent.spans}
    for resource, record in sent.logs:
        of, span = spans[record.span_id]
        assert record.trace_id == span.trace_id
        assert resource == of
        assert span.start_time_unix_nano <= record.time_unix_nano <= span.end_time_unix_nano
        assert record.observed_time_unix_nano > record.time_unix_nano
        assert templates.LEVELS[record.severity_text] == record.severity_number


def test_languages_shapes_and_volume(sent: Sent) -> None:
    bodies = [record.body.string_value for _, record in sent.logs]
    korean = sum(bool(re.search("[가-힣]", body)) for body in bodies)
    assert 0.25 < korean / len(bodies) < 0.45
    objects = [json.loads(body) for body in bodies if body.startswith("{")]
    assert len(objects) > 100
    assert 0.4 < len(bodies) / len(sent.spans) < 0.9
    assert not any("<" + name + ">" in body for body in bodies for name in VARIABLES)


def test_variables_are_those_of_the_request(sent: Sent) -> None:
    amounts = {
        span.trace_id: mapping(span.attributes)["app.order.amount"] for span in sent.server("checkout")
    }
    found = 0
    for _, record in sent.logs:
        body = record.body.string_value
        match = re.match(r"주문이 완료되었습니다: 주문=ord-[0-9a-f]{10} 금액=(\d+)원 결제수단=\w+", body)
        if match:
            assert int(match[1]) == amounts[record.trace_id]
            assert mapping(record.attributes)["app.order.id"] in body
            found += 1
    assert found > 10


@pytest.mark.parametrize("name", ["stack", "error"])
def test_an_unknown_variable_is_an_error(name: str) -> None:
    with pytest.raises(KeyError):
        VARIABLES["no" + name]
