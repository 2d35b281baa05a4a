"""`scripts/kube-api`: build a Kubernetes API server, and run one beside other programs until it is stopped."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from scripts.go_modules import GoError
from scripts.kube_api import STOP_SECONDS, KubeApi, KubeApiError
from scripts.kube_api import __doc__ as DESCRIPTION  # noqa: N812 - a docstring is a constant
from scripts.kube_api_build import CACHE, build, build_operator
from scripts.processes import end


def _running(data: Path) -> dict[str, Any] | None:
    """What `start` noted, with those of its processes that still run."""
    try:
        noted: dict[str, Any] = json.loads((data / "cluster.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    alive = {name: pid for name, pid in noted["pids"].items() if _is(pid, name)}
    return {**noted, "pids": alive} if alive else None


def _is(pid: int, name: str) -> bool:
    try:
        # The number may have gone to another process since.
        return f"/{name}".encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _start(data: Path, cache: Path) -> int:
    if _running(data) is None:
        cluster = KubeApi(data, cache=cache, detached=True).start()
        noted = {"pids": cluster.pids, "address": cluster.address, "kubeconfig": str(cluster.kubeconfig)}
        (data / "cluster.json").write_text(json.dumps(noted), encoding="utf-8")
    return _status(data)


def _stop(data: Path) -> int:
    noted = _running(data)
    if noted is None:
        print(f"no API server runs over {data}")
        return 1
    for name, pid in reversed(noted["pids"].items()):
        end(pid, partial(_is, pid, name), STOP_SECONDS)
    (data / "cluster.json").unlink()
    print(f"{noted['address']} stopped")
    return 0


def _status(data: Path) -> int:
    noted = _running(data)
    if noted is None:
        print("no API server runs")
        return 1
    print(f"{noted['address']} ({', '.join(noted['pids'])})\nexport KUBECONFIG={noted['kubeconfig']}")
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; its exit status."""
    parser = argparse.ArgumentParser(prog="scripts/kube-api", description=DESCRIPTION)
    parser.add_argument("verb", choices=["build", "start", "stop", "status"])
    parser.add_argument("--data", type=Path, default=CACHE / "data", help="folder of the cluster's data")
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder of the built programs")
    parser.add_argument("--jobs", type=int, default=1, help="packages that are compiled at once")
    parser.add_argument("--operator", action="store_true", help="build the KubeRay operator too")
    given = parser.parse_args(arguments)
    data = given.data.absolute()
    try:
        if given.verb == "build":
            build(given.cache, print, jobs=given.jobs)
            if given.operator:
                build_operator(given.cache, print, jobs=given.jobs)
            return 0
        if given.verb == "start":
            return _start(data, given.cache)
        return _stop(data) if given.verb == "stop" else _status(data)
    except (GoError, KubeApiError) as error:
        print(f"kube-api: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
