"""Where models are kept: a folder, or an object store, of files that are written once.

``<tenant>/<name>/<version>.json`` is a card, ``<sha256>.onnx`` beside it the artefact, ``serving.json`` says which
version serves and which did before. A version is there once its card is: what a crash leaves before that is seen by
nobody.
"""

from __future__ import annotations

import contextlib
import hashlib
import uuid
from collections.abc import Iterator
from typing import Final, TypeVar

import fsspec
import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from airis_ray.aiops.custom.card import Card, split
from airis_ray.errors import AirisError, InvalidInput, NotFound, TooLarge, Unavailable, Unprocessable
from airis_ray.settings import Settings

Kept = TypeVar("Kept", bound=BaseModel)

_BEFORE: Final = 20
"""Versions that can be gone back to, one after the other."""
_SERVING: Final = "serving.json"


@contextlib.contextmanager
def _answering() -> Iterator[None]:
    """Unavailable for whatever the library of the object store raises: botocore's errors are no OSError."""
    try:
        yield
    except (AirisError, FileNotFoundError):
        raise
    except Exception as error:
        raise Unavailable(f"the object store of models: {type(error).__name__}") from error


class Serving(BaseModel):
    """Which version of a model answers to its name."""

    model_config = ConfigDict(frozen=True)

    version: str
    before: tuple[str, ...] = ()
    """what served earlier, the latest last"""

    def then(self, version: str) -> Serving:
        """With another version from now on; gone back to, it forgets what came after it."""
        if version == self.version:
            return self
        if version in self.before:
            return Serving(version=version, before=self.before[: self.before.index(version)])
        return Serving(version=version, before=(*self.before, self.version)[-_BEFORE:])

    def without(self, version: str) -> Serving:
        """After a version was deleted."""
        return Serving(version=self.version, before=tuple(each for each in self.before if each != version))


class Entry(BaseModel):
    """All there is of one name."""

    model_config = ConfigDict(frozen=True)

    serving: Serving
    cards: tuple[Card, ...]
    """the newest first"""


class Registry:
    """The models of all tenants; every call names whose. Calls block; none changes what was registered."""

    def __init__(self, url: str, most: int, *, lasting: bool = True) -> None:
        """``url`` as fsspec writes it; ``most`` versions a tenant; not ``lasting``: none may be registered.

        Raises InvalidInput where it cannot be opened.
        """
        try:
            self._files, self._root = fsspec.core.url_to_fs(url, use_listings_cache=False)
        except (ImportError, ValueError) as error:
            raise InvalidInput(f"AIRIS_MODELS_URL={url}: {error}") from None
        self._most, self._lasting = most, lasting

    @classmethod
    def of(cls, settings: Settings) -> Registry:
        """Where the settings say, else in the data folder: that of a pod lasts no longer than the pod."""
        named, folder = settings.models.url, settings.data_dir.absolute() / "models"
        lasting = named is not None or settings.clickhouse_url is None
        return cls(named or f"file://{folder}", settings.models.per_tenant, lasting=lasting)

    def entries(self, tenant: str) -> dict[str, Entry]:
        """The models of a tenant by name."""
        found: dict[str, Entry] = {}
        for name in sorted(self._names(self._at(tenant))):
            try:
                found[name] = self.entry(tenant, name)
            except NotFound:  # deleted meanwhile, or not finished
                continue
        return found

    def entry(self, tenant: str, name: str) -> Entry:
        """One model. Raises NotFound."""
        folder = self._at(tenant, name)
        files = [each for each in self._names(folder) if each.endswith(".json") and each != _SERVING]
        cards = [card for each in files if (card := self._card(f"{folder}/{each}")) is not None]
        serving = self._serving(tenant, name)
        if serving is None or not cards:
            raise NotFound(f"there is no model {name}")
        cards.sort(key=lambda card: card.created, reverse=True)
        return Entry(serving=serving, cards=tuple(cards))

    def find(self, tenant: str, asked: str) -> Card:
        """The version that serves under a name, or the one of ``name@version``. Raises NotFound."""
        name, version = split(asked)
        if version is None:
            serving = self._serving(tenant, name)
            version = serving.version if serving else None
        card = None if version is None else self._card(self._at(tenant, name, f"{version}.json"))
        if card is None:
            raise NotFound(f"there is no model {asked}")
        return card

    def artefact(self, tenant: str, card: Card) -> bytes:
        """What was registered. Raises Unavailable where the file is gone or another one."""
        data = self._read(self._at(tenant, card.name, f"{card.sha256}.onnx"))
        if data is None or hashlib.sha256(data).hexdigest() != card.sha256:
            raise Unavailable(f"the artefact of the model {card.id} is not what was registered")
        return data

    def check_room(self, tenant: str, name: str, version: str | None) -> str:
        """The version that a new one gets.

        Raises Unprocessable where it is taken, TooLarge past a tenant's number, Unavailable where none may be kept.
        """
        if not self._lasting:
            raise Unavailable(
                "AIRIS_MODELS_URL names no place for models, and a pod's own folder would not last"
            )
        entries = self.entries(tenant)
        if sum(len(entry.cards) for entry in entries.values()) >= self._most:
            raise TooLarge(f"there are {self._most} versions of models already; delete one of them first")
        taken = {card.version for card in entries[name].cards} if name in entries else set()
        if version is None:
            return str(max((int(each) for each in taken if each.isdecimal()), default=0) + 1)
        if version in taken:
            raise Unprocessable.field("/version", f"{version} of {name} is registered already")
        return version

    def put(self, tenant: str, card: Card, artefact: bytes) -> Serving:
        """Keep a version and let it serve from now on."""
        self._write(self._at(tenant, card.name, f"{card.sha256}.onnx"), artefact)
        self._write(self._at(tenant, card.name, f"{card.version}.json"), card.model_dump_json().encode())
        before = self._serving(tenant, card.name)
        return self._serve(
            tenant, card.name, Serving(version=card.version) if before is None else before.then(card.version)
        )

    def roll_back(self, tenant: str, name: str, version: str | None) -> Serving:
        """Let a version serve, the one before unless named. Raises NotFound, Unprocessable where none was before."""
        entry = self.entry(tenant, name)
        if version is None:
            if not entry.serving.before:
                raise Unprocessable(f"nothing served as {name} before {entry.serving.version}")
            version = entry.serving.before[-1]
        if version not in {card.version for card in entry.cards}:
            raise NotFound(f"there is no model {name}@{version}")
        return self._serve(tenant, name, entry.serving.then(version))

    def delete(self, tenant: str, name: str, version: str | None = None) -> None:
        """Delete a version that does not serve, or all there is of a name. Raises NotFound, Unprocessable."""
        entry = self.entry(tenant, name)
        if version is None:
            with _answering():
                self._files.rm(self._at(tenant, name), recursive=True)
            return
        cards = {card.version: card for card in entry.cards}
        if version not in cards:
            raise NotFound(f"there is no model {name}@{version}")
        if version == entry.serving.version:
            raise Unprocessable(f"{name}@{version} serves; roll back first, or delete {name} as a whole")
        self._serve(tenant, name, entry.serving.without(version))
        card = cards.pop(version)
        with _answering():
            self._files.rm_file(self._at(tenant, name, f"{version}.json"))
            if card.sha256 not in {each.sha256 for each in cards.values()}:
                self._files.rm_file(self._at(tenant, name, f"{card.sha256}.onnx"))

    def _at(self, *steps: str) -> str:
        """The path of a thing. Steps are names that were checked; a tenant's is as well, and once more here."""
        if any(not step or "/" in step or step.startswith(".") for step in steps):
            raise NotFound(f"there is no model {'/'.join(steps[1:])}")
        return "/".join((self._root, *steps))

    def _names(self, folder: str) -> list[str]:
        try:
            with _answering():
                found: list[str] = self._files.ls(folder, detail=False)
        except FileNotFoundError:
            return []
        return [name for each in found if not (name := each.rstrip("/").rpartition("/")[2]).startswith(".")]

    def _serving(self, tenant: str, name: str) -> Serving | None:
        return self._parsed(self._at(tenant, name, _SERVING), Serving)

    def _card(self, path: str) -> Card | None:
        return self._parsed(path, Card)

    def _parsed(self, path: str, kind: type[Kept]) -> Kept | None:
        data = self._read(path)
        if data is None:
            return None
        try:
            return kind.model_validate(orjson.loads(data))
        except (orjson.JSONDecodeError, ValidationError) as error:
            raise Unavailable(f"{path} cannot be read: {str(error).splitlines()[0]}") from None

    def _read(self, path: str) -> bytes | None:
        try:
            with _answering():
                found: bytes = self._files.cat_file(path)
        except FileNotFoundError:
            return None
        return found

    def _serve(self, tenant: str, name: str, serving: Serving) -> Serving:
        self._write(self._at(tenant, name, _SERVING), serving.model_dump_json().encode())
        return serving

    def _write(self, path: str, data: bytes) -> None:
        """Whole or not at all: written beside its place, then moved there."""
        folder, _, name = path.rpartition("/")
        beside = f"{folder}/.{name}.{uuid.uuid4().hex}"
        with _answering():
            self._files.makedirs(folder, exist_ok=True)
            self._files.pipe_file(beside, data)
            self._files.mv(beside, path)
