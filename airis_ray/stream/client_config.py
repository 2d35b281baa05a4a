"""The settings of group ``kafka`` as librdkafka wants them; every Kafka client of the program starts from here."""

from __future__ import annotations

import logging
from typing import Any, Final

from airis_ray.errors import Bug, InvalidInput
from airis_ray.settings import KafkaSettings
from airis_ray.stream.messages import HEADER_BYTES

CLIENT_ID: Final = "airis-ray"

_RECONNECT_MS: Final = 100
_MAX_RECONNECT_MS: Final = (
    3_000  # librdkafka waits up to 10 s: a broker that is back would stand idle for that long
)
_QUEUE_MESSAGES: Final = 100_000  # the bound that counts is in bytes; a request is at least 1 kB here
_MS: Final = 1000

_LOG: Final = logging.getLogger("airis_ray.stream.kafka")
"""Where librdkafka's own lines go; without a logger it writes to standard error."""


def client_config(settings: KafkaSettings) -> dict[str, Any]:
    """What clients of every kind share: brokers, TLS, SASL, reconnecting.

    The dictionary holds passwords: never log it. Raises InvalidInput where a file of the settings is missing.
    """
    if settings.bootstrap is None:
        raise Bug("a Kafka client was asked for without AIRIS_KAFKA_BOOTSTRAP")
    config: dict[str, Any] = {
        "bootstrap.servers": settings.bootstrap,
        "client.id": CLIENT_ID,
        "security.protocol": settings.security_protocol,
        "socket.keepalive.enable": True,
        "reconnect.backoff.ms": _RECONNECT_MS,
        "reconnect.backoff.max.ms": _MAX_RECONNECT_MS,
        "allow.auto.create.topics": False,  # they are made at start, with the settings' partitions and copies
        "enable.metrics.push": False,
        "logger": _LOG,
    }
    if settings.security_protocol.startswith("SASL"):
        config |= {
            "sasl.mechanism": settings.sasl_mechanism,
            "sasl.username": settings.sasl_username,
            "sasl.password": _revealed(settings.sasl_password),
        }
    if settings.security_protocol.endswith("SSL"):
        config |= _files(settings)
        if settings.ssl_key_password is not None:
            config["ssl.key.password"] = _revealed(settings.ssl_key_password)
    return config


def producer_config(settings: KafkaSettings, max_body_bytes: int) -> dict[str, Any]:
    """A producer whose acknowledged messages are on every copy in sync, once and in order.

    One request that hangs is given up after a third of the delivery's time, so that another broker, or the same
    one on a new connection, still has two chances.
    """
    delivery = int(settings.delivery_timeout * _MS)
    return (
        client_config(settings)
        | {
            "acks": "all",
            "enable.idempotence": True,
            "compression.type": "zstd",
            "compression.level": 1,  # 4 % larger than at 3, for two thirds of the time
            "partitioner": "murmur2_random",  # as Java's clients have it: a key goes to one partition whoever writes it
            "linger.ms": settings.linger * _MS,
            "message.max.bytes": max_body_bytes + HEADER_BYTES,
            "message.timeout.ms": delivery,
            "request.timeout.ms": max(_MS, delivery // 3),
            "queue.buffering.max.kbytes": settings.queue_bytes // 1024,
            "queue.buffering.max.messages": _QUEUE_MESSAGES,
        }
    )


def _files(settings: KafkaSettings) -> dict[str, str]:
    """librdkafka's names of the files; it would not say which one it cannot open."""
    files = {}
    for name in ("ssl_ca_location", "ssl_certificate_location", "ssl_key_location"):
        path = getattr(settings, name)
        if path is None:
            continue
        if not path.is_file():
            raise InvalidInput(f"AIRIS_KAFKA_{name.upper()}={path}: there is no such file")
        files[name.replace("_", ".")] = str(path)
    return files


def _revealed(secret: Any) -> str:
    value: str = secret.get_secret_value()
    return value
