"""What is lifted out of plain log lines."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airis_ray.errors import InvalidInput
from airis_ray.telemetry.lines import LiftRules, infer, lift, lift_document
from airis_ray.telemetry.severity import LEVELS, SPELLINGS, severity_number

RULES = LiftRules()


@pytest.mark.parametrize(
    ("line", "number", "text"),
    [
        ("2026-01-02 03:04:05,678 ERROR [main] c.s.Checkout - payment failed", 17, "ERROR"),
        ("2026-01-02T03:04:05.678Z\tWARN\tcart/cart.go:12\tslow", 13, "WARN"),
        ("INFO:     127.0.0.1:5120 - GET / 200", 9, "INFO"),
        ("[2026-01-02 03:04:05] [error] AH00124: too many redirects", 17, "error"),
        ("2026/01/02 03:04:05 [crit] 7#7: *1 open() failed", 21, "crit"),
        ('time="2026-01-02T03:04:05Z" level=warning msg="retrying"', 13, "warning"),
        ("ts=2026 lvl=dbug msg=x", 5, "dbug"),
        ('{"severity": "NOTICE", broken', 10, "NOTICE"),
        ("E0102 03:04:05.678901    1 main.go:12] boom", 17, "error"),
        ("<11>Jan  2 03:04:05 web su: failed", 17, "error"),
        ("<190>Jan  2 03:04:05 web app: hello", 9, "info"),
        ("error: unknown option", 17, "error"),
        ("03:04:05 warning: low disk", 13, "warning"),
        ("info - ready on port 3000", 9, "info"),
        ("Traceback (most recent call last):\n  File", 17, "error"),
        ("java.lang.IllegalStateException: closed", 17, "error"),
        ("panic: runtime error: index out of range", 21, "panic"),
        ("서버에서 ERROR 발생", 17, "ERROR"),
        ("0 errors found", 0, ""),
        ("GET /errors/info?level=1 200", 0, ""),
        ("no problem with the info page here", 0, ""),
        ("the error budget is fine", 0, ""),
        ("ERROR_COUNT=5", 0, ""),
        ("결제 완료", 0, ""),
        ("", 0, ""),
    ],
)
def test_a_severity_is_read_where_a_level_stands(line: str, number: int, text: str) -> None:
    assert infer(line) == (number, text)


def test_every_spelling_has_the_number_of_its_level() -> None:
    for rank, level in enumerate(LEVELS):
        assert {(severity_number(spelling.upper()) - 1) // 4 for spelling in SPELLINGS[level]} == {rank}
    assert severity_number("warn3") == 15
    assert severity_number("whatever") == 0


@pytest.mark.parametrize(
    ("document", "body", "severity", "attributes"),
    [
        ({"level": 50, "msg": "down", "pid": 7}, "down", 17, {"level": 50, "pid": 7}),
        ({"message": "m", "log.level": "WARN"}, "m", 13, {"log.level": "WARN"}),
        ({"log": {"level": "debug"}, "message": "m"}, "m", 5, {"log.level": "debug"}),
        ({"@m": "m", "@l": "Fatal"}, "m", 21, {"@l": "Fatal"}),
        (
            {"msg": "ERROR x", "user": {"id": 1, "tags": ["a"]}},
            "ERROR x",
            17,
            {"user.id": 1, "user.tags": '["a"]'},
        ),
        ({"msg": "m", "empty": None, "none": {}, "ok": True}, "m", 0, {"none": "{}", "ok": True}),
        ({"a": 1}, '{"a":1}', 0, {"a": 1}),
        ({"message": {"nested": 1}}, '{"message":{"nested":1}}', 0, {"message.nested": 1}),
    ],
)
def test_a_document_becomes_its_message_and_attributes(
    document: dict[str, Any], body: str, severity: int, attributes: dict[str, Any]
) -> None:
    line = lift(json.dumps(document, separators=(",", ":")), RULES)
    assert (line.body, line.severity, line.attributes) == (body, severity, attributes)


def test_ids_go_where_they_belong_and_other_texts_stay() -> None:
    line = lift_document(
        {"msg": "m", "trace_id": "0AF7651916CD43DD8448EB211C80319C", "span_id": "b7ad6b7169203331"}, RULES
    )
    assert line.trace_id.hex() == "0af7651916cd43dd8448eb211c80319c"
    assert line.span_id.hex() == "b7ad6b7169203331"
    assert line.attributes == {}
    other = lift_document({"msg": "m", "trace_id": "order-7"}, RULES)
    assert (other.trace_id, other.attributes) == (b"", {"trace_id": "order-7"})


@pytest.mark.parametrize("text", ['{"a": 1', "[1, 2]", "{}", "{not json}", '  {"a": }  ', "plain"])
def test_what_is_no_document_stays_a_line(text: str) -> None:
    line = lift(text, RULES)
    assert (line.body, line.attributes) == (text, {})


def test_rules_switch_it_off() -> None:
    off = LiftRules(infer_severity=False, parse_json=False)
    text = '{"level": "error", "msg": "ERROR"}'
    assert lift(text, off).body == text
    assert lift("ERROR x", off).severity == 0
    assert lift(text, LiftRules(infer_severity=False)).severity == 17  # the document says so itself


def test_depth_is_bounded() -> None:
    deep: Any = 1
    for _ in range(400):
        deep = {"a": deep}
    with pytest.raises(InvalidInput, match="nested deeper"):
        lift(json.dumps({"msg": "m", "deep": deep}), RULES)


@given(st.text())
def test_any_text_is_a_line(text: str) -> None:
    line = lift(text, RULES)
    assert 0 <= line.severity <= 24
    assert bool(line.severity) == bool(line.level)
