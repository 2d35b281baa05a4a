"""`airis kube logs`: the logs of a part's pods, each line with its pod's name."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from airis_ray.errors import AirisError, InvalidInput, NotFound
from airis_ray.kube.cluster import Cluster
from airis_ray.kube.manifests import Manifest
from airis_ray.kube.state import PART_LABEL

_MOST: Final = 50
"""Containers followed at once: each is a thread and a connection."""

_QUEUED: Final = 10_000
"""Lines between the readers and the terminal; a full queue makes readers wait."""


@dataclass(frozen=True)
class Source:
    """One container."""

    pod: str
    container: str


def sources(cluster: Cluster, part: str, container: str | None) -> list[Source]:
    """The containers of a part: pods whose component or Ray group it is, or the pod of that name.

    Raises NotFound with the parts there are, InvalidInput for too many containers.
    """
    pods = cluster.find("v1", "Pod")
    chosen = [pod for pod in pods if part in _names(pod)]
    if not chosen:
        known = sorted({name for pod in pods for name in _names(pod)[1:]})
        there = ", ".join(known) or f"no pods in the namespace {cluster.namespace!r}"
        raise NotFound(f"no pod of the part {part!r}: there are {there}")
    found = [
        Source(pod["metadata"]["name"], row["name"])
        for pod in chosen
        for row in pod["spec"]["containers"]
        if container in (None, row["name"])
    ]
    if not found:
        raise NotFound(f"the pods of {part!r} have no container {container!r}")
    if len(found) > _MOST:
        raise InvalidInput(
            f"{part!r} has {len(found)} containers, at most {_MOST} can be read at once: name a pod"
        )
    return found


def _names(pod: Manifest) -> list[str]:
    """The pod's name, and the parts that it belongs to."""
    labels = pod["metadata"].get("labels") or {}
    parts = [labels.get(PART_LABEL), labels.get("ray.io/group")]
    return [pod["metadata"]["name"], *dict.fromkeys(part for part in parts if part)]


def lines(
    connect: Callable[[], Cluster], chosen: list[Source], *, follow: bool, tail: int, since: int | None
) -> Iterator[str]:
    """The lines of all sources: one source after the other, or with ``follow`` as they come.

    Each source that is followed has a connection of its own by ``connect``.
    """
    if not follow:
        cluster = connect()
        for source in chosen:
            yield from (
                f"{source.pod} {line}"
                for line in cluster.lines(source.pod, source.container, follow=False, tail=tail, since=since)
            )
        return
    waiting: queue.Queue[str | AirisError | None] = queue.Queue(_QUEUED)
    for source in chosen:
        reader = threading.Thread(target=_read, args=(connect, source, tail, since, waiting), daemon=True)
        reader.start()
    left = len(chosen)
    while left:
        line = waiting.get()
        if isinstance(line, AirisError):
            raise line
        if line is None:
            left -= 1
        else:
            yield line


def _read(
    connect: Callable[[], Cluster],
    source: Source,
    tail: int,
    since: int | None,
    waiting: queue.Queue[str | AirisError | None],
) -> None:
    try:
        for line in connect().lines(source.pod, source.container, follow=True, tail=tail, since=since):
            waiting.put(f"{source.pod} {line}")
        waiting.put(None)
    except AirisError as error:
        waiting.put(error)
