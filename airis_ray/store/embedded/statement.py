"""What a request's text is: which kind of statement, in which format it answers, and where its data begin."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from airis_ray.errors import InvalidInput
from airis_ray.store.embedded.errors import NOT_IMPLEMENTED, SYNTAX_ERROR, error
from airis_ray.store.lexer import Kind, Token, scan

HEAD_LIMIT = 1 << 20
"""Bytes within which an INSERT must come to its FORMAT, VALUES or SELECT."""


class Verb(Enum):
    """The kinds that are treated differently."""

    SELECT = "select"
    ASK = "ask"  # SHOW, DESCRIBE, EXPLAIN, EXISTS: reads, but cannot be streamed
    INSERT = "insert"  # with data behind it
    SET = "set"
    USE = "use"
    KILL = "kill"
    OTHER = "other"  # DDL, INSERT … SELECT, SYSTEM …


_ASKS = ("SHOW", "DESCRIBE", "DESC", "EXPLAIN", "EXISTS", "CHECK")
_VERBS = {"SET": Verb.SET, "USE": Verb.USE, "KILL": Verb.KILL, "SELECT": Verb.SELECT, "WITH": Verb.SELECT}


@dataclass(frozen=True)
class Statement:
    """One statement. ``sql`` of an INSERT with data ends before FORMAT or VALUES."""

    verb: Verb
    sql: str
    tokens: tuple[Token, ...]
    format: str | None = None
    format_span: tuple[int, int] | None = None  # FORMAT and its name in ``sql``
    data_at: int = 0  # where an INSERT's data begin in the request's bytes

    def without_format(self) -> str:
        """The SQL without its FORMAT clause."""
        return self.with_format("")

    def with_format(self, clause: str) -> str:
        """The SQL with another text in place of its FORMAT clause."""
        if self.format_span is None:
            return self.sql
        start, end = self.format_span
        before, after = self.sql[:start], self.sql[end:]
        # What stood on both sides must not grow together: `1 -FORMAT JSON- SETTINGS …` would become a comment.
        gap = " " if not clause and before[-1:].strip() and after[:1].strip() else ""
        return f"{before}{clause}{gap}{after}"

    @property
    def makes_temporary(self) -> bool:
        """Whether it leaves something behind that only its session sees."""
        return any(token.is_word("TEMPORARY", "TEMP") for token in self.tokens[:4])


class Incomplete(Exception):
    """The bytes end before the INSERT's FORMAT, VALUES or SELECT."""


def parse(source: bytes, *, complete: bool) -> Statement:
    """Read the statement at the head of ``source``.

    Raises Incomplete where an INSERT's head is not all there and ``complete`` is false, ClickHouseError for what cannot
    be read. Of a statement that is no INSERT all bytes must be there.
    """
    if is_insert(source):
        return _parse_insert(source, complete)
    try:
        return _parse_text(source.decode())
    except UnicodeDecodeError:
        raise error(SYNTAX_ERROR, "the query is not UTF-8") from None
    except InvalidInput as problem:
        raise error(SYNTAX_ERROR, f"Syntax error: {problem}") from None


def is_insert(source: bytes) -> bool:
    """Whether the text begins with INSERT, comments aside."""
    head = source[: min(len(source), 64 << 10)].decode("latin-1")
    try:
        return next(scan(head), _NONE).is_word("INSERT")
    except InvalidInput:
        return False


def _parse_text(sql: str) -> Statement:
    tokens = list(scan(sql))
    while tokens and tokens[-1].is_sign(";"):
        tokens.pop()
    if not tokens:
        raise InvalidInput("Empty query")
    end = tokens[-1].end
    stray = next((token for token in tokens if token.is_sign(";")), None)
    if stray is not None:
        raise InvalidInput(f"Multi-statements are not allowed (position {stray.start})")
    first = tokens[0].text.upper()
    verb = Verb.ASK if first in _ASKS else _VERBS.get(first, Verb.OTHER)
    if tokens[0].is_sign("(") or first == "FROM":
        verb = Verb.SELECT
    _refuse_files(tokens)
    place = _format_clause(tokens)
    format_span = (tokens[place].start, tokens[place + 1].end) if place else None
    name = tokens[place + 1].text if place else None
    return Statement(verb, sql[:end], tuple(tokens), name, format_span)


def _format_clause(tokens: list[Token]) -> int:
    """The index of the outermost FORMAT clause; 0 where there is none."""
    depth = place = 0
    for index, token in enumerate(tokens[:-1]):
        depth += token.is_sign("(", "[", "{") - token.is_sign(")", "]", "}")
        is_name = tokens[index - 1].is_sign(".") or tokens[index - 1].is_word("AS")
        if depth == 0 and token.is_word("FORMAT") and not is_name and tokens[index + 1].kind is Kind.WORD:
            place = index
    return place


def _refuse_files(tokens: list[Token]) -> None:
    for token, following in zip(tokens, [*tokens[1:], _NONE], strict=True):
        if token.is_word("INTO") and following.is_word("OUTFILE"):
            raise error(NOT_IMPLEMENTED, "INTO OUTFILE is not allowed over HTTP")
        if token.is_word("FROM") and following.is_word("INFILE"):
            raise error(NOT_IMPLEMENTED, "FROM INFILE is not allowed over HTTP")


def _parse_insert(source: bytes, complete: bool) -> Statement:
    # Every byte is one character of Latin-1: positions are those of the bytes, whatever the data are.
    text = source[:HEAD_LIMIT].decode("latin-1")
    try:
        return _insert_head(source, text)
    except InvalidInput as problem:
        if complete or len(source) >= HEAD_LIMIT:
            raise error(SYNTAX_ERROR, f"Syntax error: {problem}") from None
        raise Incomplete from None


def _insert_head(source: bytes, text: str) -> Statement:
    tokens: list[Token] = []
    depth = 0
    is_format = False
    for token in scan(text):
        if is_format:
            return _insert(source, tokens[:-1], token.text, _after_line(text, token.end), tokens[-1].start)
        depth += token.is_sign("(") - token.is_sign(")")
        tokens.append(token)
        if depth == 0 and len(tokens) > 2:
            if token.is_word("VALUES"):
                return _insert(source, tokens[:-1], "Values", token.end, token.start)
            if token.is_word("SELECT", "WITH", "FROM", "WATCH"):
                return _insert_select(source)
            is_format = token.is_word("FORMAT")
        elif depth == 1 and token.is_word("SELECT", "WITH") and tokens[-2].is_sign("("):
            return _insert_select(source)
    raise InvalidInput("expected FORMAT, VALUES or SELECT in the INSERT")


def _insert(source: bytes, tokens: list[Token], name: str, data_at: int, end: int) -> Statement:
    _refuse_files(tokens)
    try:
        sql = source[:end].decode()
    except UnicodeDecodeError:
        raise InvalidInput("the query is not UTF-8") from None
    names = tuple(scan(sql))
    return Statement(Verb.INSERT, sql, names, name, None, data_at)


def _insert_select(source: bytes) -> Statement:
    try:
        statement = _parse_text(source.decode())
    except UnicodeDecodeError:
        raise InvalidInput("the query is not UTF-8") from None
    if any(token.is_word("INPUT") for token in statement.tokens):
        raise error(
            NOT_IMPLEMENTED, "INSERT … SELECT FROM input() is not supported: insert into a table and select"
        )
    return statement


def _after_line(text: str, position: int) -> int:
    """Data begin behind the blanks and the one line end that follow the format's name, as in ClickHouse."""
    while position < len(text) and text[position] in " \t\f":
        position += 1
    if text[position : position + 1] == "\r":
        position += 1
    if text[position : position + 1] == "\n":
        position += 1
    return position


def setting_pairs(sql: str, tokens: Sequence[Token]) -> Iterator[tuple[str, str | None]]:
    """Name and value of each ``name = value`` in a list, strings without their quotes; None for DEFAULT."""
    while tokens:
        if len(tokens) < 3 or not tokens[0].is_identifier or not tokens[1].is_sign("="):
            raise error(SYNTAX_ERROR, "Syntax error: expected name = value")
        end = _end_of_item(tokens)
        first, last = tokens[2], tokens[end - 1]
        if end == 3 and first.kind is Kind.STRING:
            yield tokens[0].text, unquoted(first)
        else:
            yield tokens[0].text, None if first.is_word("DEFAULT") else sql[first.start : last.end]
        tokens = tokens[end + 1 :]


def _end_of_item(tokens: Sequence[Token]) -> int:
    depth = 0
    for index, token in enumerate(tokens):
        depth += token.is_sign("(", "[", "{") - token.is_sign(")", "]", "}")
        if depth == 0 and token.is_sign(","):
            return index
    return len(tokens)


def unquoted(token: Token) -> str:
    """A string literal's value, for the escapes that settings and ids hold."""
    return token.text[1:-1].replace("''", "'").replace("\\'", "'").replace("\\\\", "\\")


def lift_settings(statement: Statement) -> tuple[Statement, dict[str, str]]:
    """A SELECT without its outermost SETTINGS clause, and what stood there.

    A reader's connection takes no SETTINGS clause; its settings are checked, bounded and set before.
    """
    tokens, depth = statement.tokens, 0
    for index, token in enumerate(tokens):
        depth += token.is_sign("(", "[", "{") - token.is_sign(")", "]", "}")
        is_clause = (
            index + 2 < len(tokens) and tokens[index + 1].is_identifier and tokens[index + 2].is_sign("=")
        )
        if depth == 0 and token.is_word("SETTINGS") and is_clause and not tokens[index - 1].is_sign("."):
            end = next((i for i in range(index, len(tokens)) if tokens[i].is_word("FORMAT")), len(tokens))
            pairs = setting_pairs(statement.sql, tokens[index + 1 : end])
            text = statement.sql[: token.start] + statement.sql[tokens[end - 1].end :]
            return _parse_text(text), {name: value for name, value in pairs if value is not None}
    return statement, {}


_NONE = Token(Kind.SIGN, "", -1, -1)
