"""What a question means, before it is a request."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, Literal

Signal = Literal["logs", "traces", "metrics", "sessions", "anomalies"]

LEVELS: Final = ("trace", "debug", "info", "warn", "error", "fatal")
_PLAIN: Final = re.compile(r"[\w가-힣][\w가-힣.\-]*")
_WORDS: Final = frozenset({"and", "or", "not", "to"})


@dataclass(frozen=True)
class Clause:
    """A condition: a field that is one of ``values``, is compared with them (``op``), or carries anything (``*``).

    ``field`` "" is the text of the row; ``op`` is ``=``, ``>``, ``>=``, ``<``, ``<=``, ``range`` or ``exists``. ``at``
    is where in the question it was said.
    """

    field: str
    op: str = "="
    values: tuple[str, ...] = ()
    negated: bool = False
    at: int = -1

    def text(self) -> str:
        """The clause in the search syntax."""
        return f"not {self._positive()}" if self.negated else self._positive()

    def _positive(self) -> str:
        if self.field == "":
            said = [quoted(value) for value in self.values]
            return said[0] if len(said) == 1 else f"({' or '.join(said)})"
        if self.op == "exists":
            return f"{self.field}:*"
        if self.op == "range":
            return f"{self.field}:[{self.values[0]} TO {self.values[1]}]"
        if self.op != "=":
            return f"{self.field}:{self.op}{self.values[0]}"
        said = [quoted(value) for value in self.values]
        return f"{self.field}:{said[0] if len(said) == 1 else '(' + ' or '.join(said) + ')'}"


def quoted(value: str) -> str:
    """A value as the syntax takes it: bare where that is plain, else in quotes."""
    if _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


@dataclass(frozen=True)
class Measure:
    """An aggregate; ``field`` is what it is of (nothing for counts)."""

    aggregate: str
    field: str | None = None


@dataclass
class Meaning:
    """A question understood. ``intent`` says which call answers it; the rest fills the call's body."""

    intent: str = ""
    signal: Signal = "logs"
    clauses: list[Clause] = field(default_factory=list)
    measures: list[Measure] = field(default_factory=list)
    share: Clause | None = None
    """What a measure ``share`` is the share of, among the rows of the clauses."""
    group: list[str] = field(default_factory=list)
    metric: str | None = None
    order: tuple[str, bool] | None = None
    limit: int | None = None
    trend: bool = False
    table: bool = False
    ranking: bool = False
    spans: bool = False
    requests: bool = False
    services: list[str] = field(default_factory=list)
    target: str | None = None
    trace: str | None = None
    text: str | None = None
    horizon: int | None = None
    guesses: list[tuple[str, str]] = field(default_factory=list)
    """What was written, and what it was taken for."""
    unresolved: list[str] = field(default_factory=list)
    blocked: bool = False
    """Whether what is unresolved leaves no answer."""

    def query(self, *, without: str = "") -> str:
        """The conditions in the search syntax; ``without`` leaves a field's out."""
        clauses = [clause for clause in self.clauses if not without or clause.field != without]
        return " and ".join(clause.text() for clause in merged(clauses))


def merged(clauses: list[Clause]) -> list[Clause]:
    """Equalities of one field become one clause of several values; what says nothing beside another is left out."""
    found: list[Clause] = []
    for clause in clauses:
        if _said_by_others(clause, clauses):
            continue
        for place, other in enumerate(found):
            same = (other.field, other.op, other.negated) == (clause.field, clause.op, clause.negated)
            if same and clause.op == "=" and clause.field:
                values = tuple(dict.fromkeys((*other.values, *clause.values)))
                found[place] = Clause(other.field, "=", values, other.negated, other.at)
                break
            if other.text() == clause.text():
                break
        else:
            found.append(clause)
    return found


def _said_by_others(clause: Clause, clauses: list[Clause]) -> bool:
    """Whether a clause adds nothing: ``not env:staging`` beside ``env:production``, ``db.system:*`` beside a value."""
    others = [
        other
        for other in clauses
        if other.field == clause.field and not other.negated and other is not clause and other.op != "exists"
    ]
    if clause.op == "exists":
        return bool(others)
    named = {value for other in others if other.op == "=" for value in other.values}
    return bool(
        clause.field and named and clause.op == "=" and clause.negated and not set(clause.values) & named
    )
