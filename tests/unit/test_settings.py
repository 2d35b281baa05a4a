from __future__ import annotations

import pytest

from airis_ray.errors import InvalidInput
from airis_ray.settings import Settings, described, variables


def test_defaults_need_no_environment() -> None:
    settings = Settings.from_env({})
    assert (settings.http.host, settings.http.port, settings.grpc.port) == ("127.0.0.1", 3000, 4317)
    assert settings.ingest.max_body_bytes == 16 * 1024 * 1024
    assert settings.retention.logs == 30 * 86400


def test_every_variable_is_read_into_its_field() -> None:
    settings = Settings.from_env(
        {"AIRIS_HTTP_PORT": "3100", "AIRIS_RETENTION_LOGS": "7d", "AIRIS_INGEST_MAX_BODY_BYTES": "2MiB"}
    )
    assert settings.http.port == 3100
    assert settings.retention.logs == 7 * 86400
    assert settings.ingest.max_body_bytes == 2 * 1024 * 1024


def test_other_variables_are_none_of_ours() -> None:
    assert Settings.from_env({"PATH": "/bin", "RAY_ADDRESS": "x"}) == Settings.from_env({})


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"AIRIS_HTP_PORT": "1"}, ["AIRIS_HTP_PORT", "did you mean AIRIS_HTTP_PORT"]),
        ({"AIRIS_QWXYZQWXYZ_JKLMNOP": "1"}, ["AIRIS_QWXYZQWXYZ_JKLMNOP", "airis settings"]),
        ({"AIRIS_HTTP_PORT": "eighty"}, ["AIRIS_HTTP_PORT='eighty'", "integer"]),
        ({"AIRIS_HTTP_PORT": "70000"}, ["AIRIS_HTTP_PORT", "65535"]),
        ({"AIRIS_RETENTION_TRACES": "a month"}, ["AIRIS_RETENTION_TRACES='a month'", "30d"]),
        ({"AIRIS_INGEST_MAX_BODY_BYTES": "big"}, ["AIRIS_INGEST_MAX_BODY_BYTES", "16MiB"]),
        ({"AIRIS_KAFKA_BOOTSTRAP": "http://kafka"}, ["AIRIS_KAFKA_BOOTSTRAP='http://kafka'", "kafka-0:9092"]),
        ({"AIRIS_KAFKA_TENANT": "A b"}, ["AIRIS_KAFKA_TENANT='A b'"]),
        (
            {"AIRIS_KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "AIRIS_KAFKA_SASL_USERNAME": "airis"},
            ["AIRIS_KAFKA_SECURITY_PROTOCOL=SASL_SSL", "AIRIS_KAFKA_SASL_PASSWORD"],
        ),
        ({"AIRIS_KAFKA_SSL_KEY_LOCATION": "key.pem"}, ["AIRIS_KAFKA_SSL_CERTIFICATE_LOCATION", "together"]),
        ({"AIRIS_AUTH": "off"}, ["AIRIS_AUTH", "'enabled' or 'disabled'"]),
        (
            {"AIRIS_AUTH": "disabled", "AIRIS_HTTP_HOST": "0.0.0.0"},
            ["AIRIS_AUTH=disabled", "loopback", "0.0.0.0"],
        ),
    ],
)
def test_a_wrong_variable_is_one_sentence_that_names_it(environ: dict[str, str], words: list[str]) -> None:
    with pytest.raises(InvalidInput) as caught:
        Settings.from_env(environ)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message


def test_the_listing_has_every_variable_and_no_password() -> None:
    secrets = {
        "AIRIS_CLICKHOUSE_URL": "http://user:secret@store:8123/",
        "AIRIS_KAFKA_SASL_PASSWORD": "secret",
        "AIRIS_KAFKA_SSL_KEY_PASSWORD": "secret",
    }
    rows = described(Settings.from_env(secrets))
    assert [row["variable"] for row in rows] == [name for name, _ in variables()]
    assert all(row["meaning"] for row in rows)
    assert "secret" not in str(rows)


def test_retention_of_services() -> None:
    settings = Settings.from_env({"AIRIS_RETENTION_SERVICES": "checkout=7d, ad/logs=3d, ad=1h, team/x=0"})
    assert settings.retention.by_service("logs") == {"checkout": 604_800, "ad": 259_200, "team/x": 0}
    assert settings.retention.by_service("traces") == {"checkout": 604_800, "ad": 3600, "team/x": 0}
    assert Settings().retention.by_service("logs") == {}


@pytest.mark.parametrize("value", ["checkout", "=3d", "a=3y", "a=1d,a=2d", "/logs=1d", "a\nb=1d"])
def test_a_retention_of_services_that_cannot_be_read(value: str) -> None:
    with pytest.raises(InvalidInput, match="AIRIS_RETENTION_SERVICES="):
        Settings.from_env({"AIRIS_RETENTION_SERVICES": value})


def test_a_wrong_address_is_told_without_its_password() -> None:
    with pytest.raises(
        InvalidInput, match=r"AIRIS_REDIS_URL='http://\*\*\*@cache:1': .*redis://host:6379"
    ) as caught:
        Settings.from_env({"AIRIS_REDIS_URL": "http://user:secret@cache:1"})
    assert "secret" not in str(caught.value)
    shown = described(Settings.from_env({"AIRIS_REDIS_URL": "redis://user:secret@cache:6379/1"}))
    assert "secret" not in str(shown)
