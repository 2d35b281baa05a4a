"""The state of a detector as bytes: an npz archive of arrays, no pickle."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from airis_ray.errors import InvalidInput

VERSION: Final = 3
Arrays = dict[str, npt.NDArray[Any]]


def pack(kind: str, arrays: Arrays) -> bytes:
    """Bytes of ``arrays``, with the kind of detector they belong to."""
    header = json.dumps({"kind": kind, "version": VERSION})
    held = io.BytesIO()
    everything: dict[str, Any] = arrays | {"header": np.frombuffer(header.encode(), np.uint8)}
    np.savez(held, **everything)
    return held.getvalue()


def unpack(kind: str, state: bytes) -> Arrays:
    """The arrays of :func:`pack`. Raises InvalidInput for anything else than a state of ``kind``."""
    try:
        with np.load(io.BytesIO(state), allow_pickle=False) as read:
            arrays = {name: read[name] for name in read.files}
        header = json.loads(arrays.pop("header").tobytes())
        found = (header["kind"], header["version"])
    except (ValueError, OSError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise InvalidInput(f"state of {len(state)} bytes: expected one saved by a {kind} detector") from error
    if found != (kind, VERSION):
        raise InvalidInput(
            f"state: expected one of {kind}, version {VERSION}; got {found[0]}, version {found[1]}"
        )
    return arrays


def names(given: tuple[str, ...]) -> npt.NDArray[np.uint8]:
    """Names as an array of bytes."""
    return np.frombuffer(json.dumps(given, ensure_ascii=False).encode(), np.uint8)


def read_names(array: npt.NDArray[Any]) -> tuple[str, ...]:
    """The names again."""
    return tuple(json.loads(array.tobytes()))
