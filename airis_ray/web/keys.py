"""API keys: their form, and the table they are kept in.

A key is ``airis_<id>_<secret>``: the id finds the row and may be shown; the secret has 256 bits and is kept nowhere.
Only the SHA-256 of the whole key is stored. A slow hash would protect secrets that can be guessed; 256 random bits
cannot, and it would cost every request milliseconds.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

import pyarrow as pa

from airis_ray.errors import NotFound
from airis_ray.store.protocol import Query, Store
from airis_ray.web.auth import Principal, Scope

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SECRET_LENGTH: Final = 43  # 62 ** 43 > 2 ** 256
_KEY: Final = re.compile(rf"airis_([0-9a-z]+)_([0-9A-Za-z]{{{_SECRET_LENGTH}}})", re.ASCII)
_SESSION: Final = "session"  # what the ids of browser sessions begin with; a key's has 12 characters
_MS: Final = pa.timestamp("ms", tz="UTC")

_KEYS: Final = pa.schema(
    [
        ("Id", pa.string()),
        ("Hash", pa.string()),
        ("Tenant", pa.string()),
        ("Name", pa.string()),
        ("Scopes", pa.list_(pa.string())),
        ("Created", _MS),
        ("CreatedBy", pa.string()),
        ("Expires", _MS),
        ("Revoked", _MS),
        ("Version", pa.uint64()),
    ]
)
_USES: Final = pa.schema([("Id", pa.string()), ("Used", _MS)])
SESSIONS: Final = f"startsWith(Id, '{_SESSION}') AND length(Id) > {len(_SESSION) + 6}"
"""The condition of SQL that a row of ``airis_keys`` is a browser session."""
_COLUMNS: Final = "Id, Hash, Tenant, Name, Scopes, Created, CreatedBy, Expires, Revoked, Version"


@dataclass(frozen=True)
class KeyRecord:
    """What is kept of a key. Times are aware datetimes."""

    id: str
    hash: str
    tenant: str
    name: str
    scopes: frozenset[Scope]
    created: datetime
    created_by: str
    expires: datetime | None = None
    revoked: datetime | None = None
    version: int = 0
    last_used: datetime | None = None

    @property
    def principal(self) -> Principal:
        """Whom the key stands for. What a session does is done by the key that it was begun with, and counts as its."""
        owner = self.created_by if is_session(self.id) else self.id
        return Principal(owner, self.tenant, self.scopes)

    def valid_at(self, now: datetime) -> bool:
        """Whether the key opens anything at that time."""
        return self.revoked is None and (self.expires is None or now < self.expires)


def new_key(key_id: str | None = None) -> tuple[str, str]:
    """A fresh key: its id (12 random characters unless given) and its whole text."""
    key_id = key_id or "".join(secrets.choice(_ALPHABET[:10] + _ALPHABET[36:]) for _ in range(12))
    secret = "".join(secrets.choice(_ALPHABET) for _ in range(_SECRET_LENGTH))
    return key_id, f"airis_{key_id}_{secret}"


def is_session(key_id: str) -> bool:
    """Whether an id is a browser session's."""
    return len(key_id) > len(_SESSION) + 6 and key_id.startswith(_SESSION)


def key_id_of(key: str) -> str | None:
    """The id inside a key; None where the text is no key."""
    match = _KEY.fullmatch(key)
    return match[1] if match else None


def digest(key: str) -> str:
    """What is kept of a key: SHA-256 over its whole text, in hexadecimal."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


class KeyTable:
    """The keys in the store."""

    def __init__(self, store: Store, *, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock

    async def create(
        self,
        *,
        tenant: str,
        name: str,
        scopes: Iterable[Scope],
        created_by: str,
        expires: datetime | None = None,
        session: bool = False,
    ) -> tuple[KeyRecord, str]:
        """Make a key (or a browser session); the record and the key's text, which cannot be had again."""
        key_id, text = new_key()
        if session:
            key_id, text = new_key(_SESSION + key_id)
        record = KeyRecord(
            id=key_id,
            hash=digest(text),
            tenant=tenant,
            name=name,
            scopes=frozenset(scopes),
            created=self._now(),
            created_by=created_by,
            expires=expires,
            version=time.time_ns(),
        )
        await self._put(record)
        return record, text

    async def find(self, key_id: str) -> KeyRecord | None:
        """The newest state of one key; nothing of when it was used."""
        sql = f"SELECT {_COLUMNS} FROM airis_keys FINAL WHERE Id = {{id:String}}"
        rows = (await self._store.query(Query(sql, {"id": key_id}))).table.to_pylist()
        return _record(rows[0]) if rows else None

    async def list(
        self, tenant: str, *, limit: int, before: tuple[datetime, str] | None = None, revoked: bool = False
    ) -> list[KeyRecord]:
        """A tenant's keys, newest first, at most ``limit``, older than ``before`` (created, id)."""
        conditions = ["Tenant = {tenant:String}", f"NOT ({SESSIONS})"]
        parameters: dict[str, Any] = {"tenant": tenant, "limit": limit}
        if not revoked:
            conditions.append("Revoked IS NULL")
        if before is not None:
            conditions.append("(Created, Id) < (fromUnixTimestamp64Milli({created:Int64}), {id:String})")
            parameters |= {"created": int(before[0].timestamp() * 1000), "id": before[1]}
        sql = f"""
            SELECT {_COLUMNS}, used.Used AS Used FROM (SELECT {_COLUMNS} FROM airis_keys FINAL) AS keys
            LEFT JOIN (SELECT Id, max(airis_key_uses.Used) AS Used FROM airis_key_uses GROUP BY Id) AS used USING (Id)
            WHERE {" AND ".join(conditions)} ORDER BY Created DESC, Id DESC LIMIT {{limit:UInt32}}
        """
        rows = (await self._store.query(Query(sql, parameters))).table.to_pylist()
        return [_record(row) for row in rows]

    async def revoke(self, record: KeyRecord) -> KeyRecord:
        """Revoke a key; of one that is revoked already nothing changes."""
        if record.revoked is not None:
            return record
        revoked = replace(record, revoked=self._now(), version=max(time.time_ns(), record.version + 1))
        await self._put(revoked)
        return revoked

    async def end_sessions(self, record: KeyRecord) -> None:
        """Revoke every session that was begun with a key and has not ended."""
        sql = f"""
            SELECT {_COLUMNS} FROM airis_keys FINAL
            WHERE {SESSIONS} AND CreatedBy = {{id:String}}
                AND Revoked IS NULL AND Expires > {{now:DateTime64(3, 'UTC')}}
        """
        found = await self._store.query(Query(sql, {"id": record.id, "now": self._now()}))
        for row in found.table.to_pylist():
            await self.revoke(_record(row))

    async def get(self, key_id: str, tenant: str | None) -> KeyRecord:
        """One key of a tenant (None: of any). Raises NotFound; another tenant's key is not there either."""
        record = await self.find(key_id)
        if record is None or (tenant is not None and record.tenant != tenant):
            raise NotFound(f"there is no key {key_id}")
        return record

    async def note_uses(self, uses: dict[str, float]) -> None:
        """Keep when keys were last used: id → seconds since the epoch."""
        columns = [list(uses), [int(at * 1000) for at in uses.values()]]
        await self._store.insert("airis_key_uses", pa.table(columns, schema=_USES))

    async def _put(self, record: KeyRecord) -> None:
        row = {
            "Id": record.id,
            "Hash": record.hash,
            "Tenant": record.tenant,
            "Name": record.name,
            "Scopes": sorted(record.scopes),
            "Created": record.created,
            "CreatedBy": record.created_by,
            "Expires": record.expires,
            "Revoked": record.revoked,
            "Version": record.version,
        }
        await self._store.insert("airis_keys", pa.Table.from_pylist([row], schema=_KEYS))

    def _now(self) -> datetime:
        return datetime.fromtimestamp(int(self._clock() * 1000) / 1000, UTC)


def _record(row: dict[str, Any]) -> KeyRecord:
    used = row.get("Used")
    return KeyRecord(
        id=row["Id"],
        hash=row["Hash"],
        tenant=row["Tenant"],
        name=row["Name"],
        scopes=frozenset(Scope(scope) for scope in row["Scopes"]),
        created=row["Created"],
        created_by=row["CreatedBy"],
        expires=row["Expires"],
        revoked=row["Revoked"],
        version=row["Version"],
        last_used=used if used is not None and used.year > 1970 else None,
    )
