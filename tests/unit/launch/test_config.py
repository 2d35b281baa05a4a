from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from airis_ray.errors import InvalidInput
from airis_ray.launch.config import config_file, instance_config, serve_environment
from airis_ray.settings import Settings

ROOT = Path(__file__).parents[3]


def test_the_default_addresses_take_the_file_as_it_is(tmp_path: Path) -> None:
    path = ROOT / "serve_config.yaml"
    assert instance_config(path, Settings(data_dir=tmp_path)) == path


def test_other_addresses_make_a_copy_that_differs_in_them_alone(tmp_path: Path) -> None:
    settings = Settings.from_env(
        {"AIRIS_DATA_DIR": str(tmp_path), "AIRIS_HTTP_PORT": "3100", "AIRIS_GRPC_PORT": "4400"}
    )
    path = ROOT / "serve_config.yaml"
    copy = yaml.safe_load(instance_config(path, settings).read_text())
    original = yaml.safe_load(path.read_text())
    assert (copy["http_options"]["port"], copy["grpc_options"]["port"]) == (3100, 4400)
    original["http_options"]["port"], original["grpc_options"]["port"] = 3100, 4400
    assert copy == original


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"none\.yaml"):
        config_file(tmp_path / "none.yaml")


def test_a_folder_without_a_file_runs_the_one_that_came_with_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert config_file(None).read_bytes() == (ROOT / "serve_config.yaml").read_bytes()
    own = tmp_path / "serve_config.yaml"
    own.write_text("applications: []\n")
    assert config_file(None).resolve() == own


def test_the_wheel_carries_the_file() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["force-include"] == {"serve_config.yaml": "airis_ray/serve_config.yaml"}


def test_two_instances_get_ports_of_their_own() -> None:
    settings = Settings.from_env({})
    names = [name for name in serve_environment({}, settings) if name.endswith("_PORT")]
    first, second = serve_environment({}, settings), serve_environment({}, settings)
    assert len({first[name] for name in names}) == len(names)
    assert first["RAY_SERVE_DIRECT_INGRESS_MIN_HTTP_PORT"] != second["RAY_SERVE_DIRECT_INGRESS_MIN_HTTP_PORT"]


def haproxy_configuration(folder: Path) -> str:
    """What Ray Serve's own template says of applications that are not there, in a configuration of its own."""
    found = importlib.util.find_spec("ray")
    assert found is not None
    assert found.origin is not None
    module = Path(found.origin).parent / "serve" / "_private" / "haproxy_templates.py"
    template = module.read_text(encoding="utf-8").replace("\\'", "'")
    errors = re.findall(r"^ *errorfile 50\d ", template, re.MULTILINE)
    http = re.search(r"^backend default_backend\n.*\n", template, re.MULTILINE)
    grpc = re.search(r"^backend default_grpc_backend\n(?:    .*\n)+", template, re.MULTILINE)
    assert errors
    assert http
    assert grpc
    page = folder / "500.http"
    page.write_text("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n")
    timeouts = [f"    timeout {each} 1s" for each in ("connect", "client", "server")]
    lines = ["defaults", "    mode http", *timeouts, *(f"{line}{page}" for line in errors), "frontend all"]
    lines += ["    bind 127.0.0.1:1", "    default_backend default_backend", http[0], grpc[0]]
    return "\n".join(lines)


def test_haproxy_answers_503_where_an_application_is_not_there(tmp_path: Path) -> None:
    environ = serve_environment({"PATH": os.environ["PATH"]}, Settings.from_env({}))
    config = tmp_path / "haproxy.cfg"
    config.write_text(haproxy_configuration(tmp_path))
    checked = subprocess.run(
        [environ["RAY_SERVE_HAPROXY_BINARY_PATH"], "-c", "-f", str(config)],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert checked.returncode == 0, checked.stderr
    written = config.read_text()
    assert "errorfile" not in written
    assert "status 404" not in written
    assert written.count("status 503") == 2


def test_what_the_operator_set_is_kept() -> None:
    environ = serve_environment({"RAY_SERVE_ENABLE_HA_PROXY": "0", "HOME": "/h"}, Settings.from_env({}))
    assert environ["RAY_SERVE_ENABLE_HA_PROXY"] == "0"
    assert environ["HOME"] == "/h"
