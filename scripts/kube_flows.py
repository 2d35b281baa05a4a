"""Writes NetworkPolicies, AuthorizationPolicies and the picture from kuberay/flows.yaml; `--check` compares.

A policy is additive, so each kustomize component carries the policies of its own flows, for both ends of them: the
policies of Kafka in the base know nothing of MirrorMaker, whose component opens Kafka to it.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from scripts.written import write_or_check

ROOT = Path(__file__).resolve().parent.parent
NAMESPACE = "airis"
Part = Mapping[str, Any]
Manifest = dict[str, Any]

_HEADER = "# Made by scripts/kube_flows.py from kuberay/flows.yaml: change that, run it again.\n"
_ANYWHERE: list[Manifest] = [{"ipBlock": {"cidr": "0.0.0.0/0"}}, {"namespaceSelector": {}}]
_MERMAID = re.compile(r"(<!-- flows -->\n```mermaid\n).*?(```\n<!-- /flows -->)", re.DOTALL)
_MESH = "istio"


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: object) -> bool:
        return True


def listed(value: Any) -> list[Any]:
    """A value that may stand alone or in a list."""
    return value if isinstance(value, list) else [value]


def inside(part: Part) -> bool:
    """Whether a part's pods are ours: only those have policies."""
    return "account" in part


def component(flow: Part, parts: Mapping[str, Part]) -> str:
    """The component that carries a flow's policies: its own word, else that of the end that is not in the base."""
    if "component" in flow:
        return str(flow["component"])
    ends = [parts[name] for side in ("from", "to") for name in listed(flow[side]) if name != "*"]
    return next((str(end["component"]) for end in ends if "component" in end), "base")


def peers(name: str, part: Part, namespace: str) -> list[Manifest]:
    """How a policy of ``namespace`` names a part."""
    if part.get("any"):
        return _ANYWHERE
    if "cidr" in part:
        return [{"ipBlock": {"cidr": part["cidr"]}}]
    peer: Manifest = {}
    if part.get("namespace", NAMESPACE) != namespace:
        own = part.get("namespace", NAMESPACE)
        peer["namespaceSelector"] = {"matchLabels": {"kubernetes.io/metadata.name": own}}
    if "pods" in part:
        peer["podSelector"] = {"matchLabels": dict(part["pods"])}
    return [peer]


def ports(flow: Part) -> list[Manifest]:
    """The ports of a flow as a policy writes them; none for all of them."""
    found = []
    for protocol in listed(flow.get("protocol", "TCP")):
        for entry in flow["ports"]:
            first, _, last = str(entry).partition("-")
            if (first, last) == ("1", "65535"):
                return []
            found.append(
                {"protocol": protocol, "port": int(first), **({"endPort": int(last)} if last else {})}
            )
    return found


def policies(data: Mapping[str, Any], wanted: str) -> Iterator[Manifest]:
    """The NetworkPolicies of one component."""
    parts: Mapping[str, Part] = data["parts"]
    rules: dict[tuple[str, str], list[Manifest]] = defaultdict(list)
    for flow in data["flows"]:
        if component(flow, parts) != wanted:
            continue
        sources, targets = listed(flow["from"]), listed(flow["to"])
        if "*" in sources:
            for name in targets:
                rules["", "egress"].append(_rule("to", peers(name, parts[name], ""), flow))
            continue
        for target in targets:
            if inside(parts[target]):
                space = parts[target].get("namespace", NAMESPACE)
                met = [peer for name in sources for peer in peers(name, parts[name], space)]
                rules[target, "ingress"].append(_rule("from", met, flow))
        for source in sources:
            if inside(parts[source]):
                space = parts[source].get("namespace", NAMESPACE)
                met = [peer for name in targets for peer in _destinations(name, parts[name], space)]
                rules[source, "egress"].append(_rule("to", met, flow))
    for name in ["", *parts]:
        yield from _policy(name, parts.get(name, {}), rules, wanted)


def _destinations(name: str, part: Part, namespace: str) -> list[Manifest]:
    """As :func:`peers`; the way out into the world does not lead to every pod."""
    return _ANYWHERE[:1] if part.get("any") else peers(name, part, namespace)


def _rule(side: str, met: list[Manifest], flow: Part) -> Manifest:
    opened = ports(flow)
    return {side: met, **({"ports": opened} if opened else {})}


def _policy(
    name: str, part: Part, rules: Mapping[tuple[str, str], list[Manifest]], wanted: str
) -> Iterator[Manifest]:
    own = {side: rules[name, side] for side in ("ingress", "egress") if (name, side) in rules}
    if not own:
        return
    suffix = "" if wanted in ("base", part.get("component")) else f"-{wanted}"
    yield {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": f"{name or 'everyone'}{suffix}", "namespace": part.get("namespace", NAMESPACE)},
        "spec": {
            "podSelector": {"matchLabels": dict(part["pods"])} if "pods" in part else {},
            "policyTypes": [side.capitalize() for side in own],
            **own,
        },
    }


def denied(namespace: str) -> Manifest:
    """The policy that shuts everything."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "deny", "namespace": namespace},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
    }


def network(data: Mapping[str, Any], wanted: str) -> str:
    """The file of one component's NetworkPolicies."""
    made = list(policies(data, wanted))
    if wanted == "base":
        made.insert(0, denied(NAMESPACE))
    own = (part for part in data["parts"].values() if inside(part) and part.get("component") == wanted)
    for space in sorted({part["namespace"] for part in own if "namespace" in part}):
        names = next(item for item in policies(data, "base") if item["metadata"]["name"] == "everyone")
        made += [denied(space), {**names, "metadata": {**names["metadata"], "namespace": space}}]
    return _HEADER + "---\n".join(_dump(item) for item in made)


def mesh(data: Mapping[str, Any], wanted: str) -> str:
    """The NetworkPolicies of the mesh's own port for the parts of one component, which an overlay may not have."""
    names = {
        f"{name}-{_MESH}" for name, part in data["parts"].items() if part.get("component", "base") == wanted
    }
    made = (item for item in policies(data, _MESH) if item["metadata"]["name"] in names)
    return _HEADER + "---\n".join(_dump(item) for item in made)


def authorization(data: Mapping[str, Any], wanted: str) -> str:
    """The AuthorizationPolicies of one component's parts: who may open which port, by identity."""
    parts: Mapping[str, Part] = data["parts"]
    made = []
    for name, part in parts.items():
        if not inside(part) or part.get("component", "base") != wanted:
            continue
        rules = [
            rule for flow in data["flows"] if name in listed(flow["to"]) for rule in _allowed(flow, parts)
        ]
        made.append(
            {
                "apiVersion": "security.istio.io/v1",
                "kind": "AuthorizationPolicy",
                "metadata": {"name": name, "namespace": part.get("namespace", NAMESPACE)},
                "spec": {
                    "selector": {"matchLabels": dict(part["pods"])},
                    "action": "ALLOW",
                    **({"rules": rules} if rules else {}),
                },
            }
        )
    return _HEADER + "---\n".join(_dump(item) for item in made)


def _allowed(flow: Part, parts: Mapping[str, Part]) -> Iterator[Manifest]:
    """The rules of one flow. A range of ports cannot be written there: such a flow opens every port to its sources."""
    if flow.get("component") == _MESH:
        return
    sources = listed(flow["from"])
    numbers = [str(port) for port in flow["ports"]]
    to = {} if any("-" in port for port in numbers) else {"to": [{"operation": {"ports": numbers}}]}
    if any(parts[name].get("any") for name in sources):
        yield to
        return
    known = [parts[name] for name in sources]
    principals = [
        f"cluster.local/ns/{part.get('namespace', NAMESPACE)}/sa/{part['account']}"
        for part in known
        if "account" in part
    ]
    spaces = [part["namespace"] for part in known if "account" not in part and "namespace" in part]
    for field, values in (("principals", principals), ("namespaces", spaces)):
        if values:
            yield {"from": [{"source": {field: sorted(set(values))}}], **to}


def picture(data: Mapping[str, Any]) -> str:
    """The flows as Mermaid draws them: each arrow once, with its ports; DNS and the mesh's own port left out."""
    parts: Mapping[str, Part] = data["parts"]
    arrows: dict[tuple[str, str], list[str]] = defaultdict(list)
    for flow in data["flows"]:
        if flow.get("component") == _MESH or "*" in listed(flow["from"]):
            continue
        skipped = {"dns", "node-dns", "probes"}
        extra = {"operator", "prometheus", "istio-ingress"} if "world" in listed(flow["from"]) else set()
        for source in listed(flow["from"]):
            for target in listed(flow["to"]):
                if source not in skipped | extra:
                    arrows[source, target] += [str(port) for port in flow["ports"]]
    used = {name for arrow in arrows for name in arrow}
    lines = ["flowchart LR"]
    for title, names in _groups(parts, used):
        lines.append(f"  subgraph {title}")
        lines += [f'    {_id(name)}["{parts[name]["title"]}"]'.replace("`", "") for name in names]
        lines.append("  end")
    for (source, target), numbers in arrows.items():
        lines.append(f'  {_id(source)} -->|"{", ".join(dict.fromkeys(numbers))}"| {_id(target)}')
    return "\n".join(lines) + "\n"


def _groups(parts: Mapping[str, Part], used: set[str]) -> Iterator[tuple[str, list[str]]]:
    ray = ["ray-head", "ray-worker"]
    state = [
        name for name, part in parts.items() if inside(part) and "component" not in part and name not in ray
    ]
    around = [name for name, part in parts.items() if inside(part) and "component" in part]
    outside = [name for name, part in parts.items() if not inside(part)]
    for title, names in (
        ("outside", outside),
        ("Ray", ray),
        ("state[stateful tier]", state),
        ("around[around it]", around),
    ):
        yield title, [name for name in names if name in used]


def _id(name: str) -> str:
    return name.replace("-", "_")


def _dump(item: Manifest) -> str:
    return yaml.dump(item, Dumper=_Dumper, sort_keys=False, width=120)


def files(root: Path = ROOT) -> Iterator[tuple[Path, str]]:
    """(file, what it must say)."""
    folder = root / "kuberay"
    data = yaml.safe_load((folder / "flows.yaml").read_text(encoding="utf-8"))
    yield folder / "base" / "network" / "policies.yaml", network(data, "base")
    yield folder / "components" / "istio" / "authorization.yaml", authorization(data, "base")
    yield folder / "components" / _MESH / "network.yaml", mesh(data, "base")
    for name in sorted({component(flow, data["parts"]) for flow in data["flows"]} - {"base", _MESH}):
        yield folder / "components" / name / "network.yaml", network(data, name)
    parts = data["parts"].values()
    for name in sorted({str(part["component"]) for part in parts if inside(part) and "component" in part}):
        place = folder / "components" / _MESH / "parts" / name
        yield place / "authorization.yaml", authorization(data, name)
        yield place / "network.yaml", mesh(data, name)
    readme = folder / "README.md"
    if readme.is_file():
        drawn = picture(data)
        text = readme.read_text(encoding="utf-8")
        yield readme, _MERMAID.sub(lambda found: found[1] + drawn + found[2], text)


def main() -> int:
    """Exit status 1 where ``--check`` finds a file that is not what kuberay/flows.yaml says."""
    return write_or_check(files(), ROOT, "kuberay/flows.yaml", __doc__)


if __name__ == "__main__":
    sys.exit(main())
