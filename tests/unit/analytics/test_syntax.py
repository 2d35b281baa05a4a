"""The parser: what each form means, what bad queries are told, and that nothing else ever happens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given

from airis_ray.analytics.nodes import (
    And,
    Compare,
    Equals,
    Everything,
    Exists,
    Node,
    Not,
    Or,
    Range,
    Text,
    Value,
    Wild,
    unparse,
)
from airis_ray.analytics.syntax import MAX_DEPTH, MAX_LENGTH, MAX_TERMS, parse
from airis_ray.errors import InvalidInput
from tests.support.queries import SHREDS, TREES


def equals(field: str, literal: str) -> Equals:
    return Equals(field, Value.of(literal))


def text(literal: str) -> Text:
    return Text(Value.of(literal))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", Everything()),
        ("  \t\n", Everything()),
        ("*", Everything()),
        ("*:*", Everything()),
        ("timeout", text("timeout")),
        ('"connection refused"', text("connection refused")),
        ("한도초과", text("한도초과")),
        ("결제\u3000거절", And((text("결제"), text("거절")))),
        ("a b", And((text("a"), text("b")))),
        ("a and b AND c", And((text("a"), text("b"), text("c")))),
        ("a or b OR c", Or((text("a"), text("b"), text("c")))),
        ("a && b || (c&&d)", Or((And((text("a"), text("b"))), text("c&&d")))),
        ('a "&&" \\||', And((text("a"), text("&&"), text("||")))),
        ("a b or c d", Or((And((text("a"), text("b"))), And((text("c"), text("d")))))),
        ("a (b or c)", And((text("a"), Or((text("b"), text("c")))))),
        ("not a b", And((Not(text("a")), text("b")))),
        ("NOT not a", Not(Not(text("a")))),
        ("not(a or b)", Not(Or((text("a"), text("b"))))),
        ("-a", Not(text("a"))),
        ('-"a b"', Not(text("a b"))),
        ("-(a or b)", Not(Or((text("a"), text("b"))))),
        ("-service:cart", Not(equals("service", "cart"))),
        ("service:cart", equals("service", "cart")),
        ("service.version:2.4.0", equals("service.version", "2.4.0")),
        ('http.route:"/product/{id}"', equals("http.route", "/product/{id}")),
        ("http.route:/product/{id}", equals("http.route", "/product/{id}")),
        ("http.url:http://shop/a", equals("http.url", "http://shop/a")),
        ('field:""', equals("field", "")),
        ("level:(error or fatal)", Or((equals("level", "error"), equals("level", "fatal")))),
        ("level:(error fatal)", And((equals("level", "error"), equals("level", "fatal")))),
        (
            "level:(error or not (info or -debug))",
            Or((equals("level", "error"), Not(Or((equals("level", "info"), Not(equals("level", "debug"))))))),
        ),
        ("duration:>500ms", Compare("duration", ">", "500ms")),
        ("duration:>=  0.5s", Compare("duration", ">=", "0.5s")),
        ("x:<-5", Compare("x", "<", "-5")),
        ('x:<="a b"', Compare("x", "<=", "a b")),
        ("duration:(>1s <=2s)", And((Compare("duration", ">", "1s"), Compare("duration", "<=", "2s")))),
        ("Timestamp:>2026-11-05T10:00:00+09:00", Compare("Timestamp", ">", "2026-11-05T10:00:00+09:00")),
        ("http.status_code:[500 TO 599]", Range("http.status_code", "500", "599")),
        ("x:{1 to 2}", Range("x", "1", "2", True, True)),
        ("x:[ 1 TO 2 }", Range("x", "1", "2", False, True)),
        ("x:[* TO 5]", Range("x", None, "5")),
        ('x:{"a b" TO *]', Range("x", "a b", None, True, False)),
        ("x:[* TO *]", Exists("x")),
        ("field:*", Exists("field")),
        ("field:***", Exists("field")),
        ("field:*part*", Equals("field", Value((Wild.MANY, "part", Wild.MANY)))),
        ("field:a?c*", Equals("field", Value(("a", Wild.ONE, "c", Wild.MANY)))),
        (r"field:a\*c", equals("field", "a*c")),
        ('field:"a*c"', equals("field", "a*c")),
        ("time*out", Text(Value(("time", Wild.MANY, "out")))),
        (r'"say \"hi\" \\ \n"', text('say "hi" \\ \\n')),
        (r"a\ b\:c\(\)", text("a b:c()")),
        (r"odd\:key:v", equals("odd:key", "v")),
        (r"\and", text("and")),
        ('"or"', text("or")),
        ("android not-found", And((text("android"), text("not-found")))),
        ("and:5", equals("and", "5")),
        ("[ERROR]", text("[ERROR]")),
        ("100% _x", And((text("100%"), text("_x")))),
    ],
)
def test_what_a_query_means(query: str, expected: Node) -> None:
    assert parse(query) == expected


@pytest.mark.parametrize(
    ("query", "at", "found", "expected"),
    [
        ("a and", 6, "the end of the query", 'a term after "and"'),
        ("and a", 1, '"and"', "a term"),
        ("a or or b", 6, '"or"', 'a term after "or"'),
        ("not", 4, "the end of the query", 'a term after "not"'),
        ("(a", 3, "the end of the query", '")" for the "(" at character 1'),
        ("a)", 2, '")"', "a term or the end of the query"),
        ("()", 2, '")"', 'a term after "("'),
        ("a:", 3, "the end of the query", 'a value after "a:"'),
        ("service: cart", 9, '" "', 'a value after "service:"'),
        ("a:>", 4, "the end of the query", 'a value after "a:>"'),
        ("a:[1 5]", 6, '"5]"', '"TO"'),
        ("a:[1 TO", 8, "the end of the query", "an upper bound"),
        ("a:[TO 5]", 7, '"5]"', '"TO"'),
        ("a:[1 TO 5", 10, "the end of the query", '"]" or "}" for the "[" at character 3'),
        ("level:(a or", 12, "the end of the query", 'a term after "or"'),
        ('say "hi', 5, "a quote that is never closed", 'another "'),
        ('""', 1, "an empty phrase", "text between the quotes"),
        ("- a", 2, '" "', 'a term right after "-"'),
        (":x", 1, '":x"', "a term"),
        ("ser*ice:x", 1, 'a wildcard in the name "ser*ice"', "the name of one field"),
        ("x:>5*", 4, "a wildcard", "a plain value"),
        ("a\\", 2, "a backslash with nothing after it", "a term"),
        ("서버 and )", 8, '")"', 'a term after "and"'),
        ("a \ud800", 3, "half of a surrogate pair", "no character"),
    ],
)
def test_a_bad_query_is_told_where_and_what(query: str, at: int, found: str, expected: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(query, pointer="/target/query")
    (error,) = caught.value.errors
    assert error.pointer == "/target/query"
    assert error.detail.startswith(f"at character {at}: found {found}")
    assert expected in error.detail


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("a" * (MAX_LENGTH + 1), f"at most {MAX_LENGTH}"),
        ("(" * MAX_LENGTH, f"more than {MAX_DEPTH}"),
        ("-" * MAX_LENGTH, "right after"),
        ("not " * (MAX_DEPTH + 1) + "a", f"more than {MAX_DEPTH}"),
        ("a " * (MAX_TERMS + 1), f"more than {MAX_TERMS} terms"),
        ('"' + "\\\\" * 2000, "never closed"),
    ],
)
def test_bounds(query: str, problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem):
        parse(query)


def test_the_deepest_query_is_parsed() -> None:
    assert parse("(" * MAX_DEPTH + "a" + ")" * MAX_DEPTH) == text("a")


@given(SHREDS)
def test_any_text_gives_a_tree_or_an_error_with_its_place(query: str) -> None:
    try:
        node = parse(query)
    except InvalidInput as error:
        place = error.errors[0].detail
    else:
        place = "at character "
        assert parse(unparse(node)) == node
    assert place.startswith("at character ")


@given(TREES)
def test_what_is_printed_parses_to_the_same_tree(node: Node) -> None:
    assert parse(unparse(node)) == node


@pytest.mark.parametrize(
    ("query", "printed"),
    [
        ("service:cart (level:error or level:fatal)", "service:cart and level:(error or fatal)"),
        ("a b or c", "(a and b) or c"),
        ("-(a b)", "not (a and b)"),
        ("duration:>500ms  x:[1 TO 5}", "duration:>500ms and x:[1 TO 5}"),
        ('"결제 승인" 한도', '"결제 승인" and 한도'),
        ("*", ""),
    ],
)
def test_printed_for_people(query: str, printed: str) -> None:
    assert unparse(parse(query)) == printed


_DOCUMENT = Path(__file__).parents[3] / "docs" / "search-syntax.md"


def test_the_examples_of_the_document_are_queries() -> None:
    document = _DOCUMENT.read_text(encoding="utf-8")
    table = re.search(r"\| write \| finds \|\n(.*?)\n\n", document, re.DOTALL)
    assert table is not None
    examples = [
        span for line in table[1].splitlines()[1:] for span in re.findall(r"`([^`]+)`", line.split(" | ")[0])
    ]
    assert len(examples) > 12
    for example in [*examples, re.search(r"```\n(.*)\n```", document)[1]]:
        if not re.fullmatch(r"[<>]=?", example):
            parse(example)
