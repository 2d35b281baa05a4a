"""Statements that change things: what harms the server is refused to everybody, what is not their own to writers."""

from __future__ import annotations

import re
from collections.abc import Sequence, Set

from airis_ray.errors import InvalidInput
from airis_ray.store.embedded.errors import NOT_IMPLEMENTED, error
from airis_ray.store.embedded.statement import Statement
from airis_ray.store.guard import DENIED_FUNCTION, check_select
from airis_ray.store.lexer import Token
from airis_ray.store.select_walk import refused

_ENGINE = re.compile(
    r"(Replacing|Summing|Aggregating|Collapsing|VersionedCollapsing|Graphite|Coalescing)?MergeTree"
    r"|Memory|Null|Log|TinyLog|StripeLog|Set|Join|View|MaterializedView|Atomic"
)
_FILE_FUNCTION = re.compile(
    r"eval|file|fileCluster|filesystem|executable|executablePool|python|sqlite|\w+Local|catboostEvaluate",
    re.IGNORECASE,
)
_SYSTEM = (
    "FLUSH",
    "DROP",
    "CLEAR",
    "RELOAD",
    "SYNC",
    "START",
    "STOP",
    "REFRESH",
    "WAIT",
    "CANCEL",
    "PREWARM",
)
_ALTERS = ("FREEZE", "UNFREEZE", "FETCH", "ATTACH", "EXPORT", "MOVE", "SETTING")
_PLATFORM = ("airis_", "otel_", "hyperdx_", ".inner")


def check_safe(tokens: Sequence[Token]) -> None:
    """Refuse what reaches the server's files or processes, or can keep the data folder from opening.

    A failed ``CREATE TABLE … ENGINE = Kafka`` leaves metadata behind with which chDB never starts again: engines are
    allowed by name.
    """
    first, second = tokens[0], tokens[1] if len(tokens) > 1 else tokens[0]
    if first.is_word("BACKUP", "RESTORE") or (
        first.is_word("CREATE", "ATTACH") and _makes_dictionary(tokens)
    ):
        raise error(
            NOT_IMPLEMENTED,
            f"{first.text.upper()} {second.text.upper()} is not supported by the embedded store",
        )
    if first.is_word("SYSTEM") and (
        not second.is_word(*_SYSTEM) or any(t.is_word("LISTEN") for t in tokens[2:4])
    ):
        raise error(NOT_IMPLEMENTED, f"SYSTEM {second.text.upper()} is not supported by the embedded store")
    if first.is_word("ATTACH") and any(token.is_word("FROM") for token in tokens[:8]):
        raise error(NOT_IMPLEMENTED, "ATTACH … FROM is not supported by the embedded store")
    for index, token in enumerate(tokens[:-1]):
        following = tokens[index + 1]
        if token.is_identifier and following.is_sign("(") and _FILE_FUNCTION.fullmatch(token.text):
            raise error(
                NOT_IMPLEMENTED, f"{token.text}() is not supported: the embedded store has no user files"
            )
        if token.is_word("ENGINE") and first.is_word("CREATE", "ATTACH", "REPLACE", "ALTER"):
            _check_engine(tokens, index + 1)


def _makes_dictionary(tokens: Sequence[Token]) -> bool:
    return any(token.is_word("DICTIONARY", "COLLECTION", "WORKLOAD", "RESOURCE") for token in tokens[1:4])


def _check_engine(tokens: Sequence[Token], index: int) -> None:
    name = tokens[index + 1] if tokens[index].is_sign("=") and index + 1 < len(tokens) else tokens[index]
    if name.is_identifier and not _ENGINE.fullmatch(name.text):
        raise error(NOT_IMPLEMENTED, f"ENGINE = {name.text} is not supported by the embedded store")


def check_own(statement: Statement, readable: Set[str]) -> None:
    """Raise InvalidInput unless a writer's statement makes, fills or changes a table of its own.

    No views: one over ``otel_logs`` would carry every tenant's rows away. Of a SELECT inside, :func:`check_select`
    decides.
    """
    tokens = list(statement.tokens)
    target = _target(tokens)
    select = next((i for i in range(target, len(tokens)) if tokens[i].is_word("SELECT", "WITH")), len(tokens))
    _check_target(tokens, target)
    for index, token in enumerate(tokens[:select]):
        before = tokens[index - 1]
        if token.is_identifier and not before.is_sign(".") and DENIED_FUNCTION.fullmatch(token.text):
            raise refused(token, f"{token.text} may not be used here")
        is_function = index + 2 < len(tokens) and tokens[index + 2].is_sign("(")
        if token.is_word("AS") and is_function and not tokens[index + 1].is_sign("("):
            raise refused(token, "tables made of table functions need an administrator's key")
        if token.is_word("SETTINGS") or (tokens[0].is_word("ALTER") and token.is_word(*_ALTERS)):
            raise refused(token, f"{token.text} may not be used here")
        if index > target and token.is_identifier and token.text.lower().startswith((*_PLATFORM, "system")):
            raise refused(token, f"the table {token.text} may not be named here")
    if select < len(tokens):
        if not tokens[0].is_word("CREATE", "INSERT") or any(
            t.is_sign("(") for t in tokens[select - 1 : select]
        ):
            raise refused(tokens[select], "SELECT may not be used here")
        check_select(statement.sql[tokens[select].start :], tables=readable)


_SHAPES: tuple[tuple[tuple[str, ...], ...], ...] = (
    (("INSERT",), ("INTO",)),
    (("CREATE",), ("TABLE",)),
    (("DROP", "TRUNCATE", "ALTER", "OPTIMIZE"), ("TABLE",)),
    (("DELETE",), ("FROM",)),
)


def _target(tokens: list[Token]) -> int:
    """The index of the table's name."""
    for shape in _SHAPES:
        if all(token.is_word(*words) for token, words in zip(tokens, shape, strict=False)):
            index = len(shape)
            while index < len(tokens) and tokens[index].is_word("TABLE", "IF", "NOT", "EXISTS"):
                index += 1
            if index < len(tokens):
                return index
    raise InvalidInput(
        f"{tokens[0].text} {tokens[1].text if len(tokens) > 1 else ''} needs an administrator's key"
    )


def _check_target(tokens: list[Token], index: int) -> None:
    name = tokens[index]
    if index + 2 < len(tokens) and tokens[index + 1].is_sign("."):
        if name.text != "default":
            raise refused(name, f"the database {name.text} may not be written to")
        name = tokens[index + 2]
    if not name.is_identifier or name.is_word("FUNCTION"):
        raise refused(name, "expected the name of a table")
    if name.text.lower().startswith(_PLATFORM):
        raise refused(name, f"{name.text} belongs to the platform; a key's own tables have other names")
