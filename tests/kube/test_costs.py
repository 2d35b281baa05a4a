"""What kuberay/README.md says each overlay costs is what its manifests ask for."""

from __future__ import annotations

import re
from decimal import Decimal

from tests.kube.conftest import KUBERAY
from tests.support.kube.checks.least import cost
from tests.support.kube.objects import Overlay


def _short(value: Decimal, places: int) -> str:
    return f"{round(value, places).normalize():f}"


def test_the_table_of_the_readme_is_right(overlay: Overlay) -> None:
    text = (KUBERAY / "README.md").read_text(encoding="utf-8")
    row = re.search(rf"^\| `{overlay.name}`[^|]*\|(.*)\|$", text, re.MULTILINE)
    assert row is not None, f"no row for {overlay.name}"
    found = cost(overlay)
    cpu, memory = found.each_node
    node = f"{_short(cpu, 2)} cores, {_short(memory * 1024, 0)} MiB" if cpu else "–"
    wanted = [
        str(found.pods),
        _short(found.cores, 2),
        f"{_short(found.memory, 1)} GiB",
        _short(found.most_cores, 1),
        f"{_short(found.most_memory, 1)} GiB",
        f"{_short(found.volumes, 0)} GiB",
        node,
    ]
    assert [cell.strip() for cell in row[1].split("|")] == wanted
