"""The consumers of the stream under asyncio, without Ray: what the stream benchmark measures by default."""

from __future__ import annotations

import asyncio
import signal

from airis_ray.settings import Settings
from airis_ray.store.client import open_store
from airis_ray.stream.consumer import StreamConsumer
from airis_ray.stream.kafka import KafkaBroker
from airis_ray.stream.service import StreamService

_GRACE = 10.0


async def main() -> None:
    """Consume until SIGTERM. The store and the brokers of the settings must run already, with tables and topics."""
    settings = Settings.from_env()
    store = open_store(settings)
    broker = KafkaBroker(settings.kafka, settings.stream, max_body_bytes=settings.ingest.max_body_bytes)
    service = StreamService(lambda: StreamConsumer(broker, store, settings))
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    await ended.wait()
    await service.close(_GRACE)
    await store.close()


if __name__ == "__main__":
    asyncio.run(main())
