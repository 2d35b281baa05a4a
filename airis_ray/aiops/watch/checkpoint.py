"""States on disk: a file for each group, written whole beside the old one and then put in its place.

What is lost is no more than time: series without a file are learned again from the store.
"""

from __future__ import annotations

import io
import logging
import os
import uuid
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson

from airis_ray.aiops.protocol import Detector
from airis_ray.aiops.watch.findings import Subject
from airis_ray.aiops.watch.grids import Counters
from airis_ray.aiops.watch.groups import Group
from airis_ray.aiops.watch.together import Together
from airis_ray.aiops.watch.tracking import Track
from airis_ray.errors import InvalidInput

_VERSION: Final = 1
_TOGETHER: Final = ".together"
_ARRAYS: Final = ("keys", "zero", "value", "at", "seen", "detector")
_log = logging.getLogger(__name__)


def save(group: Group, path: Path) -> None:
    """Write a group; a crash leaves the file that was there before. Blocks."""
    meta: dict[str, Any] = {
        "version": _VERSION,
        "tenant": group.tenant,
        "source": group.source,
        "step": group.step,
        "done": group.done,
        "fitted": group.fitted,
        "learned": group.learned,
        "models": group.models,
        "subjects": [(s.service, s.signal, s.metric, s.unit, s.labels) for s in group.subjects],
        "tracks": {str(key): track.as_json() for key, track in group.tracks.items()},
    }
    arrays: dict[str, Any] = {
        "meta": np.frombuffer(orjson.dumps(meta), dtype=np.uint8),
        "keys": group.keys,
        "zero": group.zero,
        "value": group.counters.value,
        "at": group.counters.at,
        "seen": group.seen,
        "detector": np.frombuffer(group.detector.save(), dtype=np.uint8),
    }
    content = io.BytesIO()
    np.savez(content, **arrays)
    _put(path, content.getbuffer())


def _put(path: Path, content: bytes | memoryview) -> None:
    """Write a file beside the old one, and put it in its place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def load(path: Path, detector: Callable[[bytes], Detector]) -> Group:
    """Read a group. Raises InvalidInput for a file that is none of this version. Blocks."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            meta = orjson.loads(stored["meta"].tobytes())
            keys, zero, value, at, seen, state = (stored[name] for name in _ARRAYS)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InvalidInput(f"{path.name} is no state of a watcher: {error!r}") from error
    if meta.get("version") != _VERSION:
        raise InvalidInput(f"{path.name} is of version {meta.get('version')}; expected {_VERSION}")
    return Group(
        tenant=meta["tenant"],
        source=meta["source"],
        keys=keys,
        subjects=[
            Subject(service, signal, metric, unit, tuple((name, value) for name, value in labels))
            for service, signal, metric, unit, labels in meta["subjects"]
        ],
        detector=detector(state.tobytes()),
        zero=zero,
        counters=Counters(value, at),
        seen=seen,
        step=meta["step"],
        done=meta["done"],
        fitted=meta["fitted"],
        learned=meta["learned"],
        models=meta["models"],
        tracks={int(key): Track(**track) for key, track in meta["tracks"].items()},
    )


def load_all(folder: Path, detector: Callable[[bytes], Detector]) -> list[tuple[Path, Group]]:
    """Every group of a folder, the newest learned first; files that cannot be read are said and removed. Blocks."""
    found: list[tuple[Path, Group]] = []
    for path in sorted(folder.glob("*.npz")) if folder.is_dir() else ():
        try:
            found.append((path, load(path, detector)))
        except InvalidInput as error:
            _log.warning("a state is left out, its series are learned again", extra={"reason": str(error)})
            path.unlink(missing_ok=True)
    return sorted(found, key=lambda item: -item[1].fitted)


def save_together(held: Mapping[str, Together], folder: Path) -> None:
    """Write what is known of the services of each tenant. Blocks."""
    for tenant, together in held.items():
        _put(folder / f"{tenant}{_TOGETHER}", together.save())


def load_together(folder: Path) -> dict[str, Together]:
    """The services by tenant; files that cannot be read are said and removed. Blocks."""
    found: dict[str, Together] = {}
    for path in sorted(folder.glob(f"*{_TOGETHER}")) if folder.is_dir() else ():
        try:
            found[path.name.removesuffix(_TOGETHER)] = Together.load(path.read_bytes())
        except (OSError, InvalidInput) as error:
            _log.warning("a state is left out, its services are learned again", extra={"reason": str(error)})
            path.unlink(missing_ok=True)
    return found
