"""Which AIRIS-Ray is asked, and with which key."""

from __future__ import annotations

from pathlib import Path

import pytest

from airis_ray.client.address import resolve
from airis_ray.settings import Settings


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "admin.key").write_text("airis_admin\n")
    return {"AIRIS_DATA_DIR": str(tmp_path)}


def test_without_anything_it_is_this_machines_with_its_administrators_key(environ: dict[str, str]) -> None:
    settings = Settings.from_env(environ | {"AIRIS_HTTP_HOST": "0.0.0.0", "AIRIS_HTTP_PORT": "3100"})
    assert resolve(settings, None, None) == ("http://127.0.0.1:3100", "airis_admin")


def test_what_is_given_counts_before_the_settings_and_those_before_this_machine(
    environ: dict[str, str],
) -> None:
    settings = Settings.from_env(environ | {"AIRIS_URL": "https://airis.example", "AIRIS_KEY": "set"})
    assert resolve(settings, None, None) == ("https://airis.example", "set")
    assert resolve(settings, "http://other:3000", "given") == ("http://other:3000", "given")


def test_the_administrators_key_goes_to_no_other_machine(environ: dict[str, str]) -> None:
    assert resolve(Settings.from_env(environ), "https://airis.example", None) == (
        "https://airis.example",
        None,
    )
    assert resolve(Settings.from_env(environ), "http://localhost:3000/", None)[1] == "airis_admin"


def test_the_key_is_not_shown_among_the_settings(environ: dict[str, str]) -> None:
    assert "hidden-one" not in repr(Settings.from_env(environ | {"AIRIS_KEY": "hidden-one"}))
