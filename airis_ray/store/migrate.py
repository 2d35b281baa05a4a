"""Numbered migrations, forward and back.

A migration is a file ``NNNN_name.sql`` with a part after ``-- up`` and one after ``-- down``, statements
ended by ``;`` at the end of a line. ClickHouse has no transactions over DDL and no locks, therefore every
statement can be repeated (``IF NOT EXISTS``, ``IF EXISTS``): a migration that stopped half-way is simply run
again, and two instances that start at once may both run it. What was applied is in the table
``airis_migrations``, with the checksum of the part that ran.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources
from typing import Final, Literal

from airis_ray.errors import InvalidInput
from airis_ray.settings import RetentionSettings, Settings
from airis_ray.store.layout import Layout, layout_of
from airis_ray.store.protocol import Query, Store
from airis_ray.store.retention import RETENTION, is_by_service, ttl_expression

_NAME: Final = re.compile(r"(\d{4})_(\w+)\.sql")
_TTL: Final = re.compile(r"\{ttl:(\w+)\}")
_WHOLE_PARTS: Final = "ttl_only_drop_parts = 1"
_ROWS: Final = "ttl_only_drop_parts = 0"
_STATEMENT_END: Final = re.compile(r";[ \t]*(?:\n|$)")

_LOG_TABLE: Final = """
CREATE TABLE IF NOT EXISTS airis_migrations
(
    Version UInt32,
    Name String,
    Direction Enum8('up' = 1, 'down' = 2),
    Checksum String,
    AppliedAt DateTime64(6) DEFAULT now64(6)
)
ENGINE = MergeTree
ORDER BY (Version, AppliedAt)
"""

Direction = Literal["up", "down", "retention"]


@dataclass(frozen=True)
class Migration:
    """One file: its statements with the placeholders still in them."""

    version: int
    name: str
    up: tuple[str, ...]
    down: tuple[str, ...]

    @property
    def checksum(self) -> str:
        """Of the statements of ``up``: comments and the settings filled in do not change it."""
        return hashlib.sha256("\n".join(self.up).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Step:
    """What :func:`migrate` does or, in a dry run, would do."""

    version: int
    name: str
    direction: Direction
    statements: tuple[str, ...]


def load() -> tuple[Migration, ...]:
    """The migrations of this version of the program, by number."""
    files = resources.files("airis_ray.store") / "migrations"
    named = [file for file in files.iterdir() if _NAME.fullmatch(file.name)]
    found = [parse(file.name, file.read_text(encoding="utf-8")) for file in named]
    return tuple(sorted(found, key=lambda migration: migration.version))


def parse(filename: str, text: str) -> Migration:
    """Read one file; InvalidInput where it is not laid out as the module says."""
    match = _NAME.fullmatch(filename)
    parts = re.split(r"^-- (up|down)[ \t]*$", text, flags=re.MULTILINE)
    if match is None or parts[1::2] != ["up", "down"]:
        raise InvalidInput(
            f"{filename}: a migration is NNNN_name.sql with a part `-- up` and then a part `-- down`"
        )
    return Migration(int(match[1]), match[2], _statements(parts[2]), _statements(parts[4]))


def _statements(part: str) -> tuple[str, ...]:
    lines = [line.rstrip() for line in part.splitlines() if not line.lstrip().startswith("--")]
    found = (statement.strip() for statement in _STATEMENT_END.split("\n".join(lines)))
    return tuple(statement for statement in found if statement)


async def plan(store: Store, *, settings: Settings, down: int = 0) -> list[Step]:
    """The steps that are due: the migrations not applied yet and the retentions that changed.

    With ``down`` = n the way back over the newest n applied ones instead. Nothing is changed, nor is the
    table of applied migrations created. InvalidInput where an applied migration was edited, or is not known
    to this program.
    """
    known = {migration.version: migration for migration in load()}
    applied = await _applied(store)
    _check(applied, known)
    layout = await layout_of(store, settings.store.cluster)
    if down:
        versions = sorted(applied, reverse=True)[:down]
        return [_step(known[version], "down", settings.retention, layout) for version in versions]
    missing = sorted(set(known) - set(applied))
    due = [_step(known[version], "up", settings.retention, layout) for version in missing]
    return [*due, *await _retention_steps(store, settings.retention, layout)]


async def migrate(store: Store, *, settings: Settings, dry_run: bool = False, down: int = 0) -> list[Step]:
    """Bring the tables to this program's version, or ``down`` migrations back; the steps that were done.

    Doing nothing is the normal case. Safe to run from several processes at once.
    """
    steps = await plan(store, settings=settings, down=down)
    if dry_run or not steps:
        return steps
    for statement in (await layout_of(store, settings.store.cluster)).statements(_LOG_TABLE.strip()):
        await store.command(statement)
    checksums = {migration.version: migration.checksum for migration in load()}
    for step in steps:
        for statement in step.statements:
            await store.command(statement)
        if step.direction != "retention":
            await _record(store, step, checksums[step.version])
    return steps


def _step(
    migration: Migration, direction: Literal["up", "down"], retention: RetentionSettings, layout: Layout
) -> Step:
    statements = migration.up if direction == "up" else migration.down
    rendered = (render(statement, retention) for statement in statements)
    laid_out = tuple(part for statement in rendered for part in layout.statements(statement))
    return Step(migration.version, migration.name, direction, laid_out)


def render(statement: str, retention: RetentionSettings) -> str:
    """Fill in ``{ttl:table}``: the TTL clause of that table, or nothing where its rows are kept for ever.

    With it goes the setting ``ttl_only_drop_parts``, which is 0 where services of the table are kept differently.
    """

    def clause(match: re.Match[str]) -> str:
        expression = ttl_expression(match[1], retention)
        return f"TTL {expression}" if expression else ""

    found = _TTL.search(statement)
    if found is not None and is_by_service(found[1], retention):
        statement = statement.replace(_WHOLE_PARTS, _ROWS)
    return _TTL.sub(clause, statement)


async def _applied(store: Store) -> dict[int, str]:
    """Version → checksum of the migrations whose newest record is of going up."""
    if not await _exists(store, "airis_migrations"):
        return {}
    sql = """
        SELECT Version, argMax(Checksum, (AppliedAt, Direction)) AS Checksum
        FROM airis_migrations GROUP BY Version HAVING argMax(Direction, (AppliedAt, Direction)) = 'up'
    """
    table = (await store.query(Query(sql))).table
    return dict(zip(table["Version"].to_pylist(), table["Checksum"].to_pylist(), strict=True))


def _check(applied: dict[int, str], known: dict[int, Migration]) -> None:
    for version, checksum in sorted(applied.items()):
        if version not in known:
            raise InvalidInput(
                f"the store has migration {version:04d}, which this version of AIRIS-Ray does not know: "
                "it was migrated by a newer one; start that, or take its migrations back with it"
            )
        migration = known[version]
        if migration.checksum != checksum:
            raise InvalidInput(
                f"migration {version:04d}_{migration.name}.sql was edited after it had been applied "
                f"(applied {checksum}, now {migration.checksum}): put its text back and write a new migration"
            )


async def _retention_steps(store: Store, retention: RetentionSettings, layout: Layout) -> list[Step]:
    """ALTER statements for the tables that exist with another TTL than the settings name."""
    sql = """
        SELECT name, engine_full FROM system.tables
        WHERE database = currentDatabase() AND name IN {names:Array(String)}
    """
    names = {layout.base(name): name for name in RETENTION}
    table = (await store.query(Query(sql, {"names": list(names)}))).table
    found = (names[name] for name in table["name"].to_pylist())
    rows = zip(found, table["engine_full"].to_pylist(), strict=True)
    altered = _alterations(rows, retention)
    statements = tuple(part for statement in altered for part in layout.statements(statement))
    return [Step(0, "retention", "retention", statements)] if statements else []


def _alterations(rows: Iterable[tuple[str, str]], retention: RetentionSettings) -> Iterable[str]:
    for name, engine in sorted(rows):
        match = re.search(r" TTL (.*?)(?: SETTINGS .*)?$", engine, flags=re.DOTALL)
        present, wanted = match[1] if match else "", ttl_expression(name, retention)
        by_service = is_by_service(name, retention)
        if (_WHOLE_PARTS if by_service else _ROWS) in engine:
            yield f"ALTER TABLE {name} MODIFY SETTING {_ROWS if by_service else _WHOLE_PARTS}"
        if wanted and wanted != present:
            yield f"ALTER TABLE {name} MODIFY TTL {wanted}"
        elif present and not wanted:
            yield f"ALTER TABLE {name} REMOVE TTL"


async def _exists(store: Store, table: str) -> bool:
    sql = "SELECT count() AS n FROM system.tables WHERE database = currentDatabase() AND name = {name:String}"
    return bool((await store.query(Query(sql, {"name": table}))).table["n"][0].as_py())


async def _record(store: Store, step: Step, checksum: str) -> None:
    sql = (
        "INSERT INTO airis_migrations (Version, Name, Direction, Checksum) "
        f"VALUES ({step.version:d}, '{step.name}', '{step.direction}', '{checksum}')"
    )
    await store.command(sql)
