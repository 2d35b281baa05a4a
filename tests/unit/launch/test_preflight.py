from __future__ import annotations

import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from airis_ray.errors import AirisError, InvalidInput, Unavailable
from airis_ray.launch.config import serve_environment
from airis_ray.launch.preflight import absolute, preflight
from airis_ray.settings import Settings
from tests.support.redis_server import RedisServer


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


def test_a_clickhouse_with_a_password_and_a_database_is_reached(tmp_path: Path) -> None:
    asked: list[str] = []

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"Ok.\n")

        def log_message(self, *_: object) -> None:
            """Nothing: the test's output is not a server's log."""

    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.handle_request, daemon=True)
        thread.start()
        url = f"http://user:se%23cret@127.0.0.1:{server.server_port}/telemetry?compress=1"
        preflight(_settings(tmp_path, AIRIS_CLICKHOUSE_URL=url))
        thread.join(5)
    assert asked == ["/ping"]


def test_a_clickhouse_url_without_a_scheme_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="http://"):
        preflight(_settings(tmp_path, AIRIS_CLICKHOUSE_URL="clickhouse:8123"))


@pytest.mark.parametrize(
    ("environ", "tells"),
    [
        ({}, "refused"),
        ({"AIRIS_KAFKA_BOOTSTRAP": "no-such-host.invalid:9092"}, "resolve"),
        (
            {
                "AIRIS_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
                "AIRIS_KAFKA_SASL_USERNAME": "airis",
                "AIRIS_KAFKA_SASL_PASSWORD": "secret",
            },
            "refused",
        ),
    ],
)
def test_an_unreachable_kafka_is_one_line_within_ten_seconds(
    tmp_path: Path, environ: dict[str, str], tells: str, capfd: pytest.CaptureFixture[str]
) -> None:
    broker = {"AIRIS_KAFKA_BOOTSTRAP": f"127.0.0.1:{_free_port()}"}
    start = time.monotonic()
    with pytest.raises(Unavailable, match="AIRIS_KAFKA_BOOTSTRAP: no Kafka broker answers at") as caught:
        preflight(_settings(tmp_path, **broker | environ))
    assert time.monotonic() - start < 10
    assert tells in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)
    assert capfd.readouterr().err == ""


def test_a_port_that_speaks_something_else_is_no_kafka(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(Unavailable, match="no Kafka broker answers"):
            preflight(_settings(tmp_path, AIRIS_KAFKA_BOOTSTRAP=f"127.0.0.1:{other.getsockname()[1]}"))


def test_an_unreachable_redis_is_named_without_its_password(tmp_path: Path) -> None:
    url = f"redis://user:secret@127.0.0.1:{_free_port()}/1"
    with pytest.raises(
        Unavailable, match=r"AIRIS_REDIS_URL: no Redis answers at redis://127\.0\.0\.1"
    ) as caught:
        preflight(_settings(tmp_path, AIRIS_REDIS_URL=url))
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_port_that_speaks_something_else_is_no_redis(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(Unavailable, match="no Redis answers"):
            preflight(_settings(tmp_path, AIRIS_REDIS_URL=f"redis://127.0.0.1:{other.getsockname()[1]}"))


def test_a_redis_that_answers_passes(tmp_path: Path) -> None:
    server = RedisServer().start()
    try:
        preflight(_settings(tmp_path, AIRIS_REDIS_URL=server.url))
    finally:
        server.kill()


def test_a_certificate_that_is_not_there_is_named(tmp_path: Path) -> None:
    environ = {
        "AIRIS_KAFKA_BOOTSTRAP": "127.0.0.1:9",
        "AIRIS_KAFKA_SECURITY_PROTOCOL": "SSL",
        "AIRIS_KAFKA_SSL_CA_LOCATION": str(tmp_path / "none.pem"),
    }
    with pytest.raises(InvalidInput, match=r"AIRIS_KAFKA_SSL_CA_LOCATION=.*no such file"):
        preflight(_settings(tmp_path, **environ))


def test_files_are_named_by_absolute_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = absolute(_settings(tmp_path, AIRIS_KAFKA_SSL_CA_LOCATION="ca.pem"))
    assert settings.kafka.ssl_ca_location == tmp_path / "ca.pem"
    assert serve_environment({}, settings)["AIRIS_KAFKA_SSL_CA_LOCATION"] == str(tmp_path / "ca.pem")
