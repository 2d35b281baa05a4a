"""librdkafka's mock cluster: brokers in this process that fail on demand.

The Python client offers no way to ask it for errors, hence the calls into the very library that the client has loaded.
It keeps 5 MB of a partition, and drops what is older in silence.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import confluent_kafka
from confluent_kafka import KafkaError

PRODUCE = 0
METADATA = 3
INIT_PRODUCER_ID = 22

_NO_ERROR = KafkaError.NO_ERROR
_PRODUCER = 0


def _library() -> ctypes.CDLL:
    folder = Path(confluent_kafka.__file__).parent.parent / "confluent_kafka.libs"
    library = ctypes.CDLL(str(next(folder.glob("librdkafka*"))))
    handle, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    library.rd_kafka_conf_new.restype = handle
    library.rd_kafka_conf_set_log_cb.argtypes = [handle, ctypes.c_void_p]
    library.rd_kafka_new.restype = handle
    library.rd_kafka_new.argtypes = [number, handle, text, ctypes.c_size_t]
    library.rd_kafka_destroy.argtypes = [handle]
    library.rd_kafka_mock_cluster_new.restype = handle
    library.rd_kafka_mock_cluster_new.argtypes = [handle, number]
    library.rd_kafka_mock_cluster_destroy.argtypes = [handle]
    library.rd_kafka_mock_cluster_bootstraps.restype = text
    library.rd_kafka_mock_cluster_bootstraps.argtypes = [handle]
    library.rd_kafka_mock_topic_create.argtypes = [handle, text, number, number]
    library.rd_kafka_mock_topic_set_error.argtypes = [handle, text, number]
    library.rd_kafka_mock_broker_set_down.argtypes = [handle, ctypes.c_int32]
    library.rd_kafka_mock_broker_set_up.argtypes = [handle, ctypes.c_int32]
    library.rd_kafka_mock_broker_set_rtt.argtypes = [handle, ctypes.c_int32, number]
    library.rd_kafka_mock_push_request_errors_array.argtypes = [
        handle,
        ctypes.c_int16,
        ctypes.c_size_t,
        ctypes.POINTER(number),
    ]
    return library


class MockCluster:
    """One broker, numbered 1, and what can be done to it."""

    def __init__(self) -> None:
        self._library = _library()
        reason = ctypes.create_string_buffer(512)
        config = self._library.rd_kafka_conf_new()
        self._library.rd_kafka_conf_set_log_cb(
            config, None
        )  # a client without brokers says so on standard error
        self._client = self._library.rd_kafka_new(_PRODUCER, config, reason, 512)
        assert self._client, reason.value
        self._cluster = self._library.rd_kafka_mock_cluster_new(self._client, 1)
        self.bootstrap: str = self._library.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()

    def create(self, topic: str, partitions: int = 1) -> None:
        """Make a topic."""
        assert not self._library.rd_kafka_mock_topic_create(self._cluster, topic.encode(), partitions, 1)

    def fail(self, request: int, *codes: int) -> None:
        """Answer the next requests of a kind with these errors, one each."""
        errors = (ctypes.c_int * len(codes))(*codes)
        self._library.rd_kafka_mock_push_request_errors_array(self._cluster, request, len(codes), errors)

    def fail_topic(self, topic: str, code: int = _NO_ERROR) -> None:
        """Give a topic an error in all metadata."""
        self._library.rd_kafka_mock_topic_set_error(self._cluster, topic.encode(), code)

    def down(self) -> None:
        """Close the broker's connections and take no new ones."""
        assert not self._library.rd_kafka_mock_broker_set_down(self._cluster, 1)

    def up(self) -> None:
        """Take connections again."""
        assert not self._library.rd_kafka_mock_broker_set_up(self._cluster, 1)

    def delay(self, milliseconds: int) -> None:
        """Answer so much later."""
        assert not self._library.rd_kafka_mock_broker_set_rtt(self._cluster, 1, milliseconds)

    def close(self) -> None:
        """End it."""
        self._library.rd_kafka_mock_cluster_destroy(self._cluster)
        self._library.rd_kafka_destroy(self._client)


@contextmanager
def mock_cluster() -> Iterator[MockCluster]:
    """A cluster for the length of a block."""
    cluster = MockCluster()
    try:
        yield cluster
    finally:
        cluster.close()
