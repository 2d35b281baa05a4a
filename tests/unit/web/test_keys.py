"""Keys: their form, their files, their table, the cache in front."""

from __future__ import annotations

import asyncio
import re
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from airis_ray.errors import InvalidInput, NotFound, Overloaded, Unavailable
from airis_ray.settings import Settings
from airis_ray.store.protocol import Query
from airis_ray.web.auth import ALL_SCOPES, SELF_TENANT, Principal, Scope
from airis_ray.web.key_files import ADMIN_KEY, admin_key, self_key
from airis_ray.web.keyring import CachedKeys, FileKey, KeyChain, api_keys
from airis_ray.web.keys import KeyRecord, KeyTable, digest, key_id_of, new_key
from tests.support.local_store import LocalStore

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def test_a_key_has_an_id_and_256_bits() -> None:
    keys = {new_key() for _ in range(200)}
    assert len({key for _, key in keys}) == 200
    for key_id, key in keys:
        assert re.fullmatch(r"airis_[0-9a-z]{12}_[0-9A-Za-z]{43}", key)
        assert key_id_of(key) == key_id


@pytest.mark.parametrize(
    "text", ["", "airis_", "airis_a_b", "airis_abc_" + "x" * 42, "airis_a b_" + "x" * 43, "\ud800"]
)
def test_what_is_no_key_has_no_id(text: str) -> None:
    assert key_id_of(text) is None
    assert digest(text)


# ---- files ----


def test_the_admin_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    key, made = admin_key(tmp_path / "data")
    assert made
    assert admin_key(tmp_path / "data") == (key, False)
    path = tmp_path / "data" / ADMIN_KEY
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == [ADMIN_KEY]


async def test_processes_that_start_at_once_agree_on_the_admin_key(tmp_path: Path) -> None:
    results = await asyncio.gather(*(asyncio.to_thread(admin_key, tmp_path) for _ in range(8)))
    assert len({key for key, _ in results}) == 1
    assert sum(made for _, made in results) == 1


def test_a_data_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInput, match=r"admin\.key: cannot be written or read"):
        admin_key(tmp_path / "file")
    (tmp_path / ADMIN_KEY).write_text("hello")
    with pytest.raises(InvalidInput, match="holds no API key"):
        admin_key(tmp_path)


async def test_a_key_file_counts_as_soon_as_it_is_there_and_while_it_says_the_same(tmp_path: Path) -> None:
    now = [0.0]
    principal = Principal("admin", "default", ALL_SCOPES)
    ring = FileKey(tmp_path / ADMIN_KEY, principal, clock=lambda: now[0])
    assert await ring.verify("airis_admin_" + "x" * 43) is None
    key, _ = admin_key(tmp_path)
    now[0] = 2.0
    assert await ring.verify(key) == principal
    assert await ring.verify(key[:-1] + "!") is None
    (tmp_path / ADMIN_KEY).unlink()
    new, _ = admin_key(tmp_path)
    now[0] = 4.0
    assert await ring.verify(key) is None
    assert await ring.verify(new) == principal


# ---- cache ----


class Source:
    """Keys of a dictionary, with failures and delays at will."""

    def __init__(self) -> None:
        self.records: dict[str, KeyRecord] = {}
        self.error: Exception | None = None
        self.asked: list[str] = []
        self.uses: list[dict[str, float]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.reached = asyncio.Event()

    def add(self, scopes: frozenset[Scope] = frozenset({Scope.READ}), expires: datetime | None = None) -> str:
        key_id, key = new_key()
        self.records[key_id] = KeyRecord(key_id, digest(key), "acme", "n", scopes, NOW, "admin", expires)
        return key

    def revoke(self, key: str) -> None:
        key_id = key_id_of(key) or ""
        self.records[key_id] = replace(self.records[key_id], revoked=NOW)

    async def find(self, key_id: str) -> KeyRecord | None:
        self.asked.append(key_id)
        self.reached.set()
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return self.records.get(key_id)

    async def note_uses(self, uses: dict[str, float]) -> None:
        if self.error is not None:
            raise self.error
        self.uses.append(uses)


class World:
    def __init__(self, size: int = 4096) -> None:
        self.now = 1000.0
        self.source = Source()
        self.ring = CachedKeys(
            self.source,
            size=size,
            clock=lambda: self.now,
            wall_clock=lambda: NOW.timestamp() + self.now - 1000.0,
        )

    async def settle(self) -> None:
        """Let what runs in the background end."""
        while tasks := list(self.ring._tasks):
            await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_key_is_looked_up_once_and_then_kept_for_a_while() -> None:
    world = World()
    key = world.source.add()
    for _ in range(5):
        principal = await world.ring.verify(key)
        assert principal is not None
        assert (principal.tenant, principal.scopes) == ("acme", {Scope.READ})
    assert len(world.source.asked) == 1


async def test_a_wrong_secret_opens_nothing_and_costs_no_look_up() -> None:
    world = World()
    key = world.source.add()
    await world.ring.verify(key)
    assert await world.ring.verify(key[:-1] + ("a" if key[-1] != "a" else "b")) is None
    assert await world.ring.verify("hello") is None
    assert len(world.source.asked) == 1


async def test_a_revoked_key_is_out_within_five_seconds() -> None:
    world = World()
    key = world.source.add()
    assert await world.ring.verify(key)
    world.source.revoke(key)
    world.now += 4.5
    assert await world.ring.verify(key) is None


async def test_a_key_in_use_is_refreshed_in_the_background() -> None:
    world = World()
    key = world.source.add()
    assert await world.ring.verify(key)
    world.source.revoke(key)
    world.source.gate.clear()
    world.now += 3
    assert await world.ring.verify(key)  # does not wait for the answer
    world.source.gate.set()
    await world.settle()
    assert await world.ring.verify(key) is None
    assert len(world.source.asked) == 2


async def test_an_expired_key_is_out_at_once() -> None:
    world = World()
    key = world.source.add(expires=NOW + timedelta(seconds=1))
    assert await world.ring.verify(key)
    world.now += 1
    assert await world.ring.verify(key) is None


async def test_while_the_store_is_down_known_keys_open_for_a_minute_and_others_give_503() -> None:
    world = World()
    key, other = world.source.add(), world.source.add()
    assert await world.ring.verify(key)
    world.source.error = Unavailable("down")
    world.now += 59
    assert await world.ring.verify(key)
    with pytest.raises(Unavailable):
        await world.ring.verify(other)
    world.now += 2
    with pytest.raises(Unavailable):
        await world.ring.verify(key)
    world.source.error = None
    assert await world.ring.verify(key)


async def test_before_the_table_is_made_keys_cannot_be_verified() -> None:
    world = World()
    world.source.error = InvalidInput("Unknown table airis_keys")
    with pytest.raises(Unavailable):
        await world.ring.verify(new_key()[1])


async def test_those_who_ask_together_share_one_look_up() -> None:
    world = World()
    key = world.source.add()
    world.source.gate.clear()
    waiting = [asyncio.create_task(world.ring.verify(key)) for _ in range(10)]
    await world.source.reached.wait()
    waiting.pop().cancel()
    world.source.gate.set()
    assert all(await asyncio.gather(*waiting))
    assert len(world.source.asked) == 1


async def test_guessing_keys_is_bounded_and_leaves_known_keys_alone() -> None:
    world = World(size=50)
    key = world.source.add()
    assert await world.ring.verify(key)
    for _ in range(99):  # of 100 look-ups a second the known key took one
        assert await world.ring.verify(new_key()[1]) is None
    for _ in range(200):
        with pytest.raises(Overloaded) as refusal:
            await world.ring.verify(new_key()[1])
        assert refusal.value.retry_after == 1.0
    assert len(world.ring._unknown) <= 50
    world.now += 5
    assert await world.ring.verify(key)


async def test_an_unknown_key_is_remembered_for_a_moment() -> None:
    world = World()
    key_id, key = new_key()
    assert await world.ring.verify(key) is None
    assert await world.ring.verify(key) is None
    assert world.source.asked == [key_id]


async def test_uses_are_noted_about_once_a_minute() -> None:
    world = World()
    key = world.source.add()
    for _ in range(121):
        assert await world.ring.verify(key)
        await world.settle()
        world.now += 1
    assert len(world.source.uses) == 2
    assert list(world.source.uses[0]) == [key_id_of(key)]


async def test_a_use_that_cannot_be_noted_disturbs_nobody() -> None:
    world = World()
    key = world.source.add()
    assert await world.ring.verify(key)
    world.now += 61
    world.source.error = Unavailable("down")
    with pytest.raises(Unavailable):
        await world.ring.verify(key)
    world.source.error = None
    assert await world.ring.verify(key)
    await world.settle()


# ---- chain ----


async def test_the_admin_key_opens_while_the_store_is_down(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    source = Source()
    source.error = Unavailable("down")
    ring = api_keys(settings, source)
    key, _ = admin_key(tmp_path)
    principal = await ring.verify(key)
    assert principal is not None
    assert principal.operator
    own = await ring.verify(self_key(tmp_path))
    assert own == Principal("self", SELF_TENANT, frozenset({Scope.INGEST}))
    with pytest.raises(Unavailable):
        await ring.verify(new_key()[1])
    assert await KeyChain().verify(key) is None


# ---- table ----


async def test_the_table_keeps_hashes_alone_and_the_newest_state(
    migrated_store: LocalStore, tenant: str
) -> None:
    table = KeyTable(migrated_store, clock=NOW.timestamp)
    expires = NOW + timedelta(days=1)
    record, key = await table.create(
        tenant=tenant, name="서비스", scopes=[Scope.READ, Scope.INGEST], created_by="admin", expires=expires
    )
    assert await table.find(record.id) == record
    assert record.expires == expires
    rows = (
        await migrated_store.query(Query("SELECT toString(tuple(*)) AS row FROM airis_keys"))
    ).table.to_pylist()
    secret = key.rpartition("_")[2]
    assert all(secret not in row["row"] for row in rows)

    await table.note_uses({record.id: NOW.timestamp() + 5})
    await table.note_uses({record.id: NOW.timestamp() + 3})
    [listed] = await table.list(tenant, limit=10)
    assert listed.last_used == NOW + timedelta(seconds=5)

    revoked = await table.revoke(record)
    assert await table.revoke(revoked) == revoked
    found = await table.find(record.id)
    assert found is not None
    assert found.revoked == NOW
    assert await table.list(tenant, limit=10) == []
    assert [item.id for item in await table.list(tenant, limit=10, revoked=True)] == [record.id]


async def test_a_key_of_another_tenant_is_not_there(migrated_store: LocalStore, tenant: str) -> None:
    table = KeyTable(migrated_store)
    record, _ = await table.create(tenant=tenant, name="n", scopes=[Scope.READ], created_by="admin")
    assert (await table.get(record.id, tenant)).id == record.id
    assert (await table.get(record.id, None)).id == record.id
    with pytest.raises(NotFound):
        await table.get(record.id, "somebody-else")
    with pytest.raises(NotFound):
        await table.get("nothing", None)


async def test_lists_go_on_after_a_key(migrated_store: LocalStore, tenant: str) -> None:
    ticks = iter(range(100))
    table = KeyTable(migrated_store, clock=lambda: NOW.timestamp() + next(ticks) // 2)
    made = [
        (await table.create(tenant=tenant, name=str(i), scopes=[Scope.READ], created_by="admin"))[0]
        for i in range(6)
    ]
    newest_first = sorted(made, key=lambda record: (record.created, record.id), reverse=True)
    first = await table.list(tenant, limit=2)
    rest = await table.list(tenant, limit=10, before=(first[-1].created, first[-1].id))
    assert [record.id for record in [*first, *rest]] == [record.id for record in newest_first]
