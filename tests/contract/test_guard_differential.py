"""The guard against ClickHouse's own parser: what table it sees in an allowed SELECT, the guard has seen."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from functools import partial
from itertools import product, takewhile

import pytest

from airis_ray.errors import InvalidInput
from airis_ray.store.guard import READABLE_TABLES, check_select
from tests.contract.conftest import Front
from tests.unit.store.test_guard import ALLOWED

_TABLE = re.compile(r"^\s*TableIdentifier ([^\n]*?)(?: \(alias .*\))?$", re.MULTILINE)
WORDS = (
    *(
        "x",
        "AS x",
        "y",
        "array",
        "order",
        "limit",
        "union",
        "format",
        "settings",
        "final",
        "sample",
        "window",
    ),
    *(
        "fetch",
        "offset",
        "using",
        "on",
        "join",
        "where",
        "prewhere",
        "group",
        "having",
        "qualify",
        "except",
        "with",
    ),
    *(
        "intersect",
        "from",
        "in",
        "global",
        "any",
        "left",
        "cross",
        "asof",
        "values",
        "select",
        "distinct",
        "into",
    ),
    *("is", "not", "null"),
)
FRAMES = (
    "SELECT 1 FROM otel_logs {0} , secrets",
    "SELECT 1 FROM otel_logs {0} {1} , secrets",
    "SELECT 1 FROM otel_logs {0} {1} secrets",
    "SELECT 1 FROM otel_logs AS {0} {1} secrets",
    "SELECT 1 FROM otel_logs AS {0} JOIN secrets ON {1} = 1",
    "SELECT {0} {1} secrets",
    "SELECT 1 {0} {1} secrets FROM otel_logs",
    "SELECT 1 FROM otel_logs JOIN otel_traces ON {0} {1} secrets",
    "SELECT 1 FROM otel_logs JOIN otel_traces USING {0}, {1} secrets",
    "SELECT 1 FROM otel_logs ARRAY JOIN {0} {1} secrets",
    "SELECT f({0} FROM secrets) FROM otel_logs",
    "SELECT trim({0} {1} secrets) FROM otel_logs",
    "WITH {0} AS (SELECT 1) SELECT 1 FROM {0} {1} secrets",
    "WITH {0} AS (SELECT 1) SELECT 1 FROM otel_logs WHERE 1 IN {1} ({0}, secrets)",
    "SELECT 1 FROM otel_logs WHERE 1 {0} {1} (secrets)",
    "SELECT 1 FROM otel_logs WHERE 1 {0} {1} secrets",
    "SELECT 1 FROM (otel_logs {0} {1} secrets)",
    "FROM otel_logs {0} {1} secrets SELECT 1",
)


def _statements() -> Iterator[str]:
    for frame in FRAMES:
        second = WORDS if "{1}" in frame else [""]
        for first, other in product(WORDS, second):
            yield frame.format(first, other)


def _tree(front: Front, sql: str) -> str:
    """The syntax tree; empty where ClickHouse takes the statement for wrong."""
    answer = front.ask(f"EXPLAIN AST {sql} FORMAT TSVRaw")
    return answer.text if answer.status_code == 200 else ""


def _allowed(sql: str) -> bool:
    try:
        check_select(sql)
    except InvalidInput:
        return False
    return True


def _is_deeper(depth: int, line: str) -> bool:
    return len(line) - len(line.lstrip()) > depth


def _right_of_in(tree: str) -> Iterator[str]:
    """Bare names on the right of IN, which ClickHouse takes for tables: the second child of the list under it."""
    lines = tree.splitlines()
    for index, line in enumerate(lines):
        if re.match(r"\s*Function \w*[iI]n \(", line):
            depth = len(line) - len(line.lstrip())
            inside = takewhile(partial(_is_deeper, depth), lines[index + 1 :])
            children = [other.strip() for other in inside if len(other) - len(other.lstrip()) == depth + 2]
            yield from (child.split()[1] for child in children[1:2] if child.startswith("Identifier "))


def _reads_secrets(tree: str) -> bool:
    return "secrets" in [*_TABLE.findall(tree), *_right_of_in(tree)]


def test_no_word_hides_a_table(embedded: Front) -> None:
    passed = [sql for sql in _statements() if _allowed(sql)]
    # All of them (thousands) were looked at once; a fresh tenth of them is enough every time.
    passed = random.sample(passed, len(passed) // 10)
    assert len(passed) > 100  # else the frames test nothing
    assert [sql for sql in passed if _reads_secrets(_tree(embedded, sql))] == []


@pytest.mark.parametrize("sql", [sql for sql in ALLOWED if "{" not in sql and "SETTINGS" not in sql])
def test_both_read_the_same_tables(embedded: Front, sql: str) -> None:
    tree = _tree(embedded, sql.rstrip(";").partition("--")[0])
    assert tree
    names = set(re.findall(r"(?:WITH|,) (\w+) AS \(SELECT", sql))
    assert {table.removeprefix("default.") for table in _TABLE.findall(tree)} <= READABLE_TABLES | names
