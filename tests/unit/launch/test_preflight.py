from __future__ import annotations

import socket
from pathlib import Path

import pytest

from airis_ray.errors import AirisError, InvalidInput, Unavailable
from airis_ray.launch.preflight import preflight
from airis_ray.settings import Settings


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _settings(tmp_path: Path, **environ: str) -> Settings:
    ports = {name: str(_free_port()) for name in ("AIRIS_HTTP_PORT", "AIRIS_GRPC_PORT", "AIRIS_STORE_PORT")}
    return Settings.from_env({"AIRIS_DATA_DIR": str(tmp_path / "data")} | ports | environ)


def test_a_free_machine_passes(tmp_path: Path) -> None:
    preflight(_settings(tmp_path))


@pytest.mark.parametrize("name", ["AIRIS_HTTP_PORT", "AIRIS_GRPC_PORT", "AIRIS_STORE_PORT"])
def test_a_port_in_use_is_named_with_its_variable(tmp_path: Path, name: str) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        with pytest.raises(Unavailable, match=f"port {port} .* in use.*{name}"):
            preflight(_settings(tmp_path, **{name: port}))


def test_equal_ports_are_refused(tmp_path: Path) -> None:
    port = str(_free_port())
    with pytest.raises(InvalidInput, match="must differ"):
        preflight(_settings(tmp_path, AIRIS_HTTP_PORT=port, AIRIS_GRPC_PORT=port))


def test_a_data_folder_that_is_a_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("not a folder")
    with pytest.raises(AirisError, match="AIRIS_DATA_DIR"):
        preflight(_settings(tmp_path))


def test_an_unreachable_clickhouse_is_named_without_its_password(tmp_path: Path) -> None:
    url = f"http://user:secret@127.0.0.1:{_free_port()}/"
    with pytest.raises(Unavailable, match="AIRIS_CLICKHOUSE_URL") as caught:
        preflight(_settings(tmp_path, AIRIS_CLICKHOUSE_URL=url))
    assert "secret" not in str(caught.value)


def test_a_clickhouse_url_without_a_scheme_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="http://"):
        preflight(_settings(tmp_path, AIRIS_CLICKHOUSE_URL="clickhouse:8123"))
