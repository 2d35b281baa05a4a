"""A walk over the tokens of a SELECT that stops at every place where ClickHouse's grammar takes a table.

Tables stand after FROM and JOIN, after a comma of a FROM list, and on the right of IN. There a bare name is refused,
whatever it names: ``WITH a AS b`` and ``a AS b`` make ``IN b`` read the table a. A keyword counts as one only where an
operand has just ended; where a bare keyword stands as a name, the walk refuses and asks for back-ticks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from airis_ray.errors import InvalidInput
from airis_ray.store.lexer import Kind, Token

_QUERY_STARTS = ("SELECT", "WITH", "FROM")
_FROM_ENDS = frozenset(
    {"PREWHERE", "WHERE", "GROUP", "HAVING", "QUALIFY", "WINDOW", "ORDER", "LIMIT", "OFFSET", "FETCH"}
)
_SET_OPERATORS = frozenset(("UNION", "EXCEPT", "INTERSECT"))
_FOLLOWED_BY = {"GROUP": ("BY",), "ORDER": ("BY",), "FETCH": ("FIRST", "NEXT")}
_NO_OPERAND = (
    *("ON", "USING", "AND", "OR", "NOT", "LIKE", "ILIKE", "REGEXP", "BETWEEN", "IS", "IN", "DIV", "MOD"),
    *("CASE", "WHEN", "THEN", "ELSE", "AS", "FROM", "JOIN", "SELECT", "DISTINCT", "INTERVAL"),
    *("WHERE", "PREWHERE", "HAVING", "QUALIFY", "BY", "LIMIT", "OFFSET"),
)
_NEVER_A_NAME = (
    _FROM_ENDS | _SET_OPERATORS | {"SELECT", "WITH", "FROM", "JOIN", "INTO", "IN", "AS", "SETTINGS"}
)
_FROM_INSIDE_CALL = frozenset(("extract", "trim", "substring", "substr", "mid", "overlay", "position"))
_END = Token(Kind.SIGN, "", -1, -1)


def refused(token: Token, reason: str) -> InvalidInput:
    """The error that says where."""
    return InvalidInput(f"{reason} (position {token.start})")


def _name_after_in(token: Token) -> InvalidInput:
    return refused(token, f"expected values or a subquery after IN: write IN (SELECT … FROM {token.text})")


@dataclass
class _Frame:
    """One level of brackets: what is being read there, and which WITH names it knows."""

    call: str = ""  # the function whose arguments these are
    cte: str = ""  # the WITH name that this subquery defines
    is_query: bool = False
    in_from: bool = False  # a comma leads to the next table
    expects_table: bool = False
    names: frozenset[str] = frozenset()  # WITH names in sight
    names_of_first: frozenset[str] | None = None  # those of the first SELECT, once a UNION has come


@dataclass(frozen=True)
class Rules:
    """What the walk asks: each raises InvalidInput where the answer is no."""

    table: Callable[[Token, list[str]], None]
    table_function: Callable[[Token], None]
    with_name: Callable[[Token], None]


class SelectWalk:
    """Walk over ``tokens`` and ask ``rules`` about every table; InvalidInput for what is no plain SELECT."""

    def __init__(self, tokens: list[Token], rules: Rules) -> None:
        self._tokens = tokens
        self._rules = rules
        self._frames = [_Frame(is_query=True)]

    def run(self) -> None:
        """Walk to the end."""
        first = self._at(0)
        if not (first.is_word(*_QUERY_STARTS) or first.is_sign("(")):
            raise refused(first, f"expected one SELECT, found {first.text!r}")
        index = 0
        while index < len(self._tokens):
            index = self._step(index)
        if len(self._frames) != 1 or self._frames[0].expects_table:
            raise InvalidInput("the SQL ends before its last clause or bracket does")

    def _step(self, index: int) -> int:
        """Read the token at ``index`` with what belongs to it; the index to go on at."""
        token = self._tokens[index]
        if self._frames[-1].expects_table:
            return self._table(index)
        if token.kind is Kind.SIGN:
            self._sign(index)
        elif (
            token.kind is Kind.WORD and not self._at(index - 1).is_sign(".") and not self._is_parameter(index)
        ):
            return self._word(index)
        return index + 1

    def _is_parameter(self, index: int) -> bool:
        """Whether a word is the name of a parameter, ``{from:String}``: no clause begins between these two signs."""
        return self._at(index - 1).is_sign("{") and self._at(index + 1).is_sign(":")

    def _at(self, index: int) -> Token:
        return self._tokens[index] if 0 <= index < len(self._tokens) else _END

    def _after_operand(self, index: int) -> bool:
        """Whether the token before ``index`` ends an operand, so that a keyword may follow."""
        before = self._at(index - 1)
        if before.kind is Kind.SIGN:
            return before.is_sign(")", "]", "}")
        return not before.is_word(*_NO_OPERAND) or self._at(index - 2).is_sign(".")

    # ---- brackets and commas ----

    def _sign(self, index: int) -> None:
        token, frame = self._tokens[index], self._frames[-1]
        if token.is_sign(";"):
            raise refused(token, "only one statement is taken")
        if token.is_sign("(", "[", "{"):
            self._open(index)
        elif token.is_sign(")", "]", "}"):
            self._close(token)
        elif token.is_sign(",") and frame.in_from:
            frame.expects_table = True

    def _open(self, index: int, *, is_table: bool = False) -> None:
        following = self._at(index + 1)
        if following.is_word("EXPLAIN", "SHOW", "DESCRIBE", "DESC"):
            raise refused(following, "only SELECT may stand in parentheses")
        is_query = self._tokens[index].text == "(" and following.is_word(*_QUERY_STARTS)
        before = self._at(index - 1)
        frame = _Frame(
            call=before.text.lower() if before.is_identifier else "",
            cte=self._with_name(index) if is_query else "",
            is_query=is_query,
            in_from=is_table and not is_query,
            expects_table=is_table and not is_query,
            names=self._frames[-1].names,
        )
        self._frames.append(frame)

    def _close(self, token: Token) -> None:
        if len(self._frames) == 1:
            raise refused(token, "this bracket closes nothing")
        closed = self._frames.pop()
        if closed.expects_table:
            raise refused(token, "expected the name of a table")
        if closed.cte:
            self._frames[-1].names |= {closed.cte}

    def _with_name(self, index: int) -> str:
        """The name in ``WITH name AS (`` and ``, name AS (``; in sight behind the closing parenthesis only."""
        name, lead = self._at(index - 2), self._at(index - 3)
        if not (self._at(index - 1).is_word("AS") and name.is_identifier):
            return ""
        if not (lead.is_word("WITH") or lead.is_sign(",")):
            return ""
        if name.text.upper() in _NEVER_A_NAME or name.is_word("ARRAY", "VALUES", "FINAL"):
            raise refused(name, f"{name.text} may not name a query")
        self._rules.with_name(name)
        return name.text

    # ---- keywords ----

    def _word(self, index: int) -> int:
        token, frame = self._tokens[index], self._frames[-1]
        word = token.text.upper()
        if word in _NEVER_A_NAME and self._at(index - 1).is_word("AS"):
            raise refused(token, f"put {token.text} in back-ticks to use it as a name")
        if word == "IN":
            return self._in(index)
        if word == "FROM":
            if frame.is_query or frame.call not in _FROM_INSIDE_CALL:
                frame.in_from = frame.expects_table = True
        elif word == "JOIN":
            is_array = self._at(index - 1).is_word("ARRAY") and self._after_operand(index - 1)
            frame.in_from = frame.expects_table = not is_array
        elif word in _FROM_ENDS or word in _SET_OPERATORS:
            self._end_from(index, word)
        return index + 1

    def _end_from(self, index: int, word: str) -> None:
        """A clause behind the FROM list begins: its commas lead to no table."""
        frame, following = self._frames[-1], self._at(index + 1)
        if frame.in_from:
            is_clause = following.is_word(*_FOLLOWED_BY.get(word, ())) or word not in _FOLLOWED_BY
            is_operator = following.kind is Kind.SIGN and not following.is_sign("(", "[", "{", "-", "+")
            if not is_clause or is_operator or not self._after_operand(index):
                raise refused(self._tokens[index], f"put {word} in back-ticks to use it as a name")
        frame.in_from = False
        if word in _SET_OPERATORS:
            # The WITH of the first SELECT is seen by all that follow, another's by its own SELECT alone.
            frame.names_of_first = frame.names if frame.names_of_first is None else frame.names_of_first
            frame.names = frame.names_of_first

    # ---- tables ----

    def _table(self, index: int) -> int:
        """What follows FROM, JOIN or the comma of a FROM list."""
        token = self._tokens[index]
        self._frames[-1].expects_table = False
        if token.is_sign("("):
            self._open(index, is_table=True)
            return index + 1
        if not token.is_identifier:
            raise refused(token, f"expected the name of a table, found {token.text!r}")
        if self._at(index + 1).is_sign("("):
            self._rules.table_function(token)
            return index + 1
        return self._named_table(index)

    def _named_table(self, index: int) -> int:
        parts, after = self._chain(index)
        if len(parts) > 1 or parts[0] not in self._frames[-1].names:
            self._rules.table(self._tokens[index], parts)
        return after

    def _chain(self, index: int) -> tuple[list[str], int]:
        """The parts of ``a.b.c`` at ``index``, and the index behind it."""
        parts = [self._tokens[index].text]
        while self._at(index + 1).is_sign(".") and self._at(index + 2).is_identifier:
            index += 2
            parts.append(self._tokens[index].text)
        return parts, index + 1

    def _in(self, index: int) -> int:
        """The right side of IN: a list or a subquery."""
        following = self._at(index + 1)
        if following.is_sign("("):
            self._in_list(index + 1)
        elif following.is_identifier and not self._at(index + 2).is_sign("("):
            raise _name_after_in(following)
        elif not (following.is_identifier or following.is_sign("[", "{") or following.kind is Kind.STRING):
            raise refused(self._tokens[index], "expected a list or a subquery after IN")
        return index + 1

    def _in_list(self, index: int) -> None:
        """``IN (t)``, ``IN ((t))`` and ``IN (t AS x)`` read the table t: no name may stand there alone."""
        depth = 0
        while index < len(self._tokens):
            token = self._tokens[index]
            if token.is_sign("(", "[", "{"):
                depth += 1
            elif token.is_sign(")", "]", "}"):
                depth -= 1
            elif self._at(index - 1).is_sign("(") and token.is_word(*_QUERY_STARTS):
                index = self._closing(index)  # not the end of ``in((SELECT 1), t)``
                continue
            elif token.is_identifier and self._is_list_item(index - 1):
                index = self._no_lone_name(index) - 1
            if depth == 0:
                return
            index += 1

    def _closing(self, index: int) -> int:
        """The index of the bracket that closes the one before ``index``; the end where none does."""
        depth = 1
        while index < len(self._tokens):
            token = self._tokens[index]
            depth += token.is_sign("(", "[", "{") - token.is_sign(")", "]", "}")
            if depth == 0:
                break
            index += 1
        return index

    def _is_list_item(self, index: int) -> bool:
        """Whether the sign at ``index`` begins an item: a comma, or a parenthesis that is no call's."""
        sign, before = self._at(index), self._at(index - 1)
        return sign.is_sign(",") or (sign.is_sign("(") and (not before.is_identifier or before.is_word("IN")))

    def _no_lone_name(self, index: int) -> int:
        _, after = self._chain(index)
        following = self._at(after)
        is_literal = self._tokens[index].is_word("NULL", "TRUE", "FALSE")
        if not is_literal and (following.is_sign(",", ")") or following.is_identifier):
            raise _name_after_in(self._tokens[index])
        return after
