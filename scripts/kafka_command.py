"""`scripts/kafka`: one Kafka broker beside other programs, until it is stopped."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from scripts.kafka_broker import CACHE, STOP_SECONDS, BrokerError, broker
from scripts.kafka_broker import __doc__ as DESCRIPTION  # noqa: N812 - a docstring is a constant
from scripts.processes import end


def _running(data: Path) -> dict[str, str] | None:
    """What `start` noted of a broker that still runs over this folder."""
    try:
        noted: dict[str, str] = json.loads((data / "broker.json").read_text())
        command = Path(f"/proc/{noted['pid']}/cmdline").read_bytes()
    except (OSError, ValueError, KeyError):
        return None
    # The number may have gone to another process since.
    return noted if str(data).encode() in command or noted["bootstrap"].encode() in command else None


def _start(data: Path, cache: Path, port: int | None, heap: str) -> int:
    noted = _running(data)
    if noted is None:
        node = broker(data, cache=cache, port=port, heap=heap).start(detached=True)
        noted = {"pid": str(node.pid), "bootstrap": node.bootstrap, "kind": node.kind}
        (data / "broker.json").write_text(json.dumps(noted))
    print(f"{noted['kind']} at {noted['bootstrap']} (pid {noted['pid']}, data in {data})")
    return 0


def _stop(data: Path) -> int:
    noted = _running(data)
    if noted is None:
        print(f"no broker runs over {data}")
        return 1
    end(int(noted["pid"]), lambda: _running(data) is not None, STOP_SECONDS)
    (data / "broker.json").unlink()
    print(f"{noted['kind']} at {noted['bootstrap']} stopped")
    return 0


def _status(data: Path) -> int:
    noted = _running(data)
    print(f"{noted['kind']} at {noted['bootstrap']} (pid {noted['pid']})" if noted else "no broker runs")
    return 0 if noted else 1


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; its exit status."""
    parser = argparse.ArgumentParser(prog="scripts/kafka", description=DESCRIPTION)
    parser.add_argument("verb", choices=["start", "stop", "status"])
    parser.add_argument("--data", type=Path, default=CACHE / "data", help="folder of the broker's data")
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder of the fetched jars")
    parser.add_argument("--port", type=int, default=9092, help="loopback port to listen on (0: a free one)")
    parser.add_argument("--heap", default="384m", help="memory of Java's heap")
    given = parser.parse_args(arguments)
    data = given.data.absolute()
    try:
        if given.verb == "start":
            return _start(data, given.cache, given.port or None, given.heap)
        return _stop(data) if given.verb == "stop" else _status(data)
    except BrokerError as error:
        print(f"kafka: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
