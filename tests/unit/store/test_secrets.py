"""The store's key is made once, whole, and for its owner alone."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from airis_ray.errors import Unavailable
from airis_ray.store.secrets import store_key


def test_the_key_is_made_once_with_mode_0600(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    key = store_key(folder)
    assert len(key) > 40
    assert store_key(folder) == key
    assert stat.S_IMODE((folder / "store.key").stat().st_mode) == 0o600
    assert [path.name for path in folder.iterdir()] == ["store.key"]


def test_all_who_ask_at_once_get_the_same_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        keys = set(pool.map(store_key, [tmp_path] * 64))
    assert len(keys) == 1


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match=r"file/data/store\.key: Not a directory"):
        store_key(tmp_path / "file" / "data")


def test_an_empty_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "store.key").write_text("\n")
    with pytest.raises(Unavailable, match="is empty"):
        store_key(tmp_path)
