"""A load generator that costs little: threads that post ready bodies over connections kept open."""

from __future__ import annotations

import http.client
import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_IDLE_SECONDS = 2.0  # servers close a connection that is idle for longer (uvicorn: 5 s)


@dataclass
class Outcome:
    """What came back: answers by status, and the seconds that each of the good ones took."""

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)


def post(
    url: str, bodies: Sequence[bytes], headers: dict[str, str], *, count: int, connections: int
) -> Outcome:
    """Post ``count`` times, ``bodies`` in turn, over ``connections`` at once; 429 and 503 are tried again."""
    turns = itertools.count()

    def take() -> bytes | None:
        return bodies[turn % len(bodies)] if (turn := next(turns)) < count else None

    return post_while(url, take, headers, connections=connections)


def post_while(
    url: str,
    take: Callable[[], bytes | None],
    headers: dict[str, str],
    *,
    connections: int,
    outcome: Outcome | None = None,
) -> Outcome:
    """Post what ``take`` gives over ``connections`` at once until it gives None; 429 and 503 are tried again.

    ``take`` is called by many threads and may make them wait. ``outcome`` grows while this runs.
    """
    parts = urlsplit(url)
    outcome = Outcome() if outcome is None else outcome
    lock = threading.Lock()
    failures: list[Exception] = []

    def work() -> None:
        connection = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port or 80, timeout=120)
        try:
            asked = time.monotonic()
            while (body := take()) is not None:
                if time.monotonic() - asked > _IDLE_SECONDS:
                    connection.close()  # the next request opens it again
                status, seconds = _send(connection, parts.path, body, headers, outcome)
                with lock:
                    outcome.statuses[status] += 1
                    outcome.seconds.append(seconds)
                asked = time.monotonic()
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return outcome


def _send(
    connection: http.client.HTTPConnection, path: str, body: bytes, headers: dict[str, str], outcome: Outcome
) -> tuple[int, float]:
    started = time.perf_counter()
    while True:
        connection.request("POST", path, body, headers)
        response = connection.getresponse()
        text = response.read()
        if response.status == 200:
            return 200, time.perf_counter() - started
        if response.status not in (429, 503):
            raise RuntimeError(f"{response.status}: {text[:300]!r}")
        outcome.statuses[response.status] += 1
        time.sleep(float(response.headers.get("retry-after", 1)))
