"""The log: one JSON object a line, and no secret in it."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from airis_ray.settings import Settings
from airis_ray.web.keys import new_key
from airis_ray.web.logs import CURRENT, Exchange, configure_logs, redact

LOG = logging.getLogger("airis_ray.test")


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    handler = configure_logs(Settings(), "demo", stream=stream)
    yield stream
    logging.getLogger().removeHandler(handler)


def events(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_line_with_its_fields_and_the_request(lines: io.StringIO) -> None:
    exchange = Exchange("demo", "GET", "/x", "r1", 0, tenant="acme", trace_id="t1")
    token = CURRENT.set(exchange)
    LOG.info("two\nlines 서버", extra={"rows": 3, "odd": {1, 2}, "nan": float("nan")})
    CURRENT.reset(token)
    LOG.warning("%s done", "all")
    first, second = events(lines)
    assert first["event"] == "two\nlines 서버"
    assert {key: first[key] for key in ("level", "service", "tenant", "request_id", "trace_id", "rows")} == {
        "level": "info",
        "service": "demo",
        "tenant": "acme",
        "request_id": "r1",
        "trace_id": "t1",
        "rows": 3,
    }
    assert second["event"] == "all done"
    assert "tenant" not in second


def test_configuring_again_replaces_the_handler(lines: io.StringIO) -> None:
    again = io.StringIO()
    handler = configure_logs(Settings.model_validate({"log_level": "warning"}), "demo", stream=again)
    LOG.info("quiet")
    LOG.warning("loud")
    logging.getLogger().removeHandler(handler)
    assert lines.getvalue() == ""
    assert [event["event"] for event in events(again)] == ["loud"]


def test_no_secret_reaches_the_log(lines: io.StringIO) -> None:
    key_id, key = new_key()
    secret = key.rpartition("_")[2]
    LOG.error("key %s", key)
    LOG.error("header", extra={"headers": {"authorization": f"Bearer {key}", "x-clickhouse-key": secret}})
    LOG.error("http://127.0.0.1:8123/?user=default&password=%s&query=select", secret)
    LOG.error("Authorization: Basic %s", "dXNlcjpwYXNz" + secret)
    try:
        raise ValueError(f"cannot use {key}")
    except ValueError:
        LOG.exception("failed with token=%s", secret)
    assert secret not in lines.getvalue()
    assert len(events(lines)) == 5
    assert f"airis_{key_id}_***" in lines.getvalue()


@pytest.mark.parametrize(
    "text", ["airis_services_10s has 5 rows", "the bearer of news", "password must be given"]
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text
