"""Where models are kept: in a folder and in an object store alike."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from airis_ray.aiops.custom.registry import Registry
from airis_ray.errors import InvalidInput, NotFound, TooLarge, Unavailable, Unprocessable
from airis_ray.settings import Settings
from tests.unit.aiops.custom.made import card


@pytest.fixture(params=["file", "memory"])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Registry:
    """``memory`` is fsspec's object store without a network: no folders, no rename."""
    root = str(tmp_path) if request.param == "file" else f"/{uuid.uuid4().hex}"
    return Registry(f"{request.param}://{root}", most=3)


def test_a_version_serves_once_it_is_kept_and_can_be_gone_back_from(registry: Registry) -> None:
    assert registry.entries("a") == {}
    for version in ("1", "2"):
        assert registry.check_room("a", "waves", None) == version
        registry.put("a", card(version.encode(), version=version), version.encode())
    assert registry.find("a", "waves").version == "2"
    assert registry.artefact("a", registry.find("a", "waves@1")) == b"1"
    assert registry.roll_back("a", "waves", None).version == "1"
    assert registry.find("a", "waves").version == "1"
    with pytest.raises(Unprocessable, match="nothing served"):
        registry.roll_back("a", "waves", None)
    assert registry.roll_back("a", "waves", "2").before == ("1",)
    entry = registry.entries("a")["waves"]
    assert [each.version for each in entry.cards] == ["2", "1"]


def test_nobody_sees_what_is_anothers(registry: Registry) -> None:
    registry.put("a", card(b"1"), b"1")
    assert registry.entries("b") == {}
    for call in (
        lambda: registry.find("b", "waves"),
        lambda: registry.entry("b", "waves"),
        lambda: registry.roll_back("b", "waves", "1"),
        lambda: registry.delete("b", "waves"),
        lambda: registry.find("..", "waves"),
        lambda: registry.entry("b", "../a/waves"),
    ):
        with pytest.raises(NotFound):
            call()
    assert registry.find("a", "waves").version == "1"


def test_limits_and_what_is_taken(registry: Registry) -> None:
    for version in ("1", "2", "x"):
        registry.put("a", card(b"same", version=version), b"same")
        with pytest.raises((Unprocessable, TooLarge)):
            registry.check_room("a", "waves", version)
    with pytest.raises(TooLarge, match="3 versions"):
        registry.check_room("a", "others", None)
    assert registry.check_room("b", "waves", "1") == "1"


def test_deleting(registry: Registry) -> None:
    for version in ("1", "2"):
        registry.put("a", card(b"same", version=version), b"same")
    with pytest.raises(Unprocessable, match="serves"):
        registry.delete("a", "waves", "2")
    registry.delete("a", "waves", "1")
    assert registry.artefact("a", registry.find("a", "waves")) == b"same"
    with pytest.raises(Unprocessable, match="nothing served"):
        registry.roll_back("a", "waves", None)
    registry.delete("a", "waves")
    assert registry.entries("a") == {}


def test_another_artefact_in_its_place_is_not_loaded(tmp_path: Path) -> None:
    registry = Registry(f"file://{tmp_path}", most=3)
    registry.put("a", card(b"1"), b"1")
    next(tmp_path.glob("a/waves/*.onnx")).write_bytes(b"2")
    with pytest.raises(Unavailable, match="not what was registered"):
        registry.artefact("a", registry.find("a", "waves"))


def test_an_object_store_whose_library_has_errors_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: Any, **__: Any) -> None:
        raise LookupError("could not connect to the endpoint")  # as botocore's: no OSError

    registry = Registry("memory://airis-models-down", most=3)
    for name in ("pipe_file", "cat_file", "ls"):
        monkeypatch.setattr(MemoryFileSystem, name, unreachable)
    for call in (
        lambda: registry.entries("a"),
        lambda: registry.find("a", "waves"),
        lambda: registry.put("a", card(b"1"), b"1"),
    ):
        with pytest.raises(Unavailable, match="the object store of models: LookupError"):
            call()


def test_where_models_are_kept_is_a_setting(tmp_path: Path) -> None:
    Registry.of(Settings(data_dir=tmp_path)).put("a", card(b"1"), b"1")
    assert (tmp_path / "models" / "a" / "waves" / "serving.json").is_file()
    pod = Settings(data_dir=tmp_path, clickhouse_url="http://clickhouse:8123")
    with pytest.raises(Unavailable, match="AIRIS_MODELS_URL"):
        Registry.of(pod).check_room("a", "waves", None)
    with pytest.raises(InvalidInput, match="AIRIS_MODELS_URL=nowhere://x"):
        Registry.of(Settings.from_env({"AIRIS_MODELS_URL": "nowhere://x"}))
