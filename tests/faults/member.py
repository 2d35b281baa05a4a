"""A consumer of the program's group in a process of its own, until SIGTERM: run as ``python -m tests.faults.member``.

Prints `has N` whenever it has another number of partitions.
"""

from __future__ import annotations

import asyncio
import signal
import sys

from airis_ray.settings import Settings
from airis_ray.store.client import open_store
from airis_ray.stream.consumer import StreamConsumer
from airis_ray.stream.kafka import KafkaBroker

_LOOK_SECONDS = 0.1
_GRACE_SECONDS = 5.0


async def main() -> None:
    """Join, work, and leave in order."""
    settings = Settings.from_env()
    store = open_store(settings)
    broker = KafkaBroker(settings.kafka, settings.stream, max_body_bytes=settings.ingest.max_body_bytes)
    consumer = StreamConsumer(broker, store, settings)
    leave = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, leave.set)
    running = asyncio.create_task(consumer.run())
    told = 0
    while not leave.is_set() and not running.done():
        if (now := len(consumer.readings())) != told:
            told = now
            sys.stdout.write(f"has {now}\n")
            sys.stdout.flush()
        await asyncio.sleep(_LOOK_SECONDS)
    await consumer.close(_GRACE_SECONDS)
    await running
    await store.close()


if __name__ == "__main__":
    asyncio.run(main())
