"""Images, pod security, and what a service account may do."""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml

from airis_ray import __version__
from airis_ray.kube.manifests import Manifest
from tests.support.kube.objects import Finding, Overlay, walk
from tests.support.kube.pods import PodTemplate, at, pod_templates

_FLOATING = {"latest", "main", "master", "nightly", "edge", "stable", "dev", "head", "alpine"}


def images(overlay: Overlay) -> Iterator[Finding]:
    """Every image is pinned, and it is the one of ``kuberay/images.yaml``; ours has this program's version."""
    known: dict[str, set[str]] = {}
    for row in (overlay.tables.get("images") or {}).get("images", ()):
        known.setdefault(row["name"], set()).add(str(row["tag"]))
    for item in overlay.everything:
        for path, value in walk(item.data):
            text = value.get("image")
            if not isinstance(text, str) or item.kind in ("ConfigMap", "CustomResourceDefinition"):
                continue
            name, tag = split(text)
            where = f"{path}.image" if path else "image"
            if tag is None or tag.partition("@")[0] in _FLOATING:
                yield item.finding(where, f"{text!r} is not pinned: expected a version or a digest")
            elif name not in known:
                yield item.finding(where, f"{text!r}: {name} is not in kuberay/images.yaml")
            elif tag not in known[name]:
                yield item.finding(
                    where, f"{text!r}: kuberay/images.yaml has the tag {' '.join(sorted(known[name]))}"
                )
            elif name.rpartition("/")[2] == "airis-ray" and tag.partition("-")[0] != __version__:
                yield item.finding(where, f"{text!r}: this is version {__version__}")


def split(image: str) -> tuple[str, str | None]:
    """(name, tag or digest) of an image; None where it has neither."""
    name, at_sign, digest = image.partition("@")
    match = re.fullmatch(r"(.+?)(?::([A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?", name)
    assert match is not None
    tag = match[2]
    return match[1], tag or (digest if at_sign else None)


def restricted(overlay: Overlay) -> Iterator[Finding]:
    """The `restricted` pod security standard, and a root file system that nothing writes to."""
    exempt = set((overlay.tables.get("sizes") or {}).get("privileged", ()))
    for template in pod_templates(overlay):
        if str(template.owner) in exempt:
            continue
        pod = template.spec.get("securityContext") or {}
        for path, container in template.containers:
            context = {**pod, **(container.get("securityContext") or {})}
            yield from _context(template, f"{path}.securityContext", context)
        for field in ("hostNetwork", "hostPID", "hostIPC"):
            if template.spec.get(field):
                yield template.owner.finding(f"{template.path}.spec.{field}", "expected false")


def _context(template: PodTemplate, path: str, context: Manifest) -> Iterator[Finding]:
    wanted: dict[str, object] = {
        "runAsNonRoot": True,
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
    }
    for field, value in wanted.items():
        if context.get(field) is not value:
            yield template.owner.finding(f"{path}.{field}", f"{context.get(field)}: expected {value}")
    if at(context, "seccompProfile.type") not in ("RuntimeDefault", "Localhost"):
        yield template.owner.finding(f"{path}.seccompProfile.type", "expected RuntimeDefault")
    if "ALL" not in (at(context, "capabilities.drop") or ()):
        yield template.owner.finding(f"{path}.capabilities.drop", "expected ALL")
    if context.get("privileged"):
        yield template.owner.finding(f"{path}.privileged", "expected false")
    if context.get("runAsUser") == 0:
        yield template.owner.finding(f"{path}.runAsUser", "0 is root")


def tokens(overlay: Overlay) -> Iterator[Finding]:
    """A pod whose account may do nothing holds no token of the API server."""
    bound = {name for _, name in _subjects(overlay)}
    for template in pod_templates(overlay):
        account = template.spec.get("serviceAccountName", "default")
        item = overlay.get("ServiceAccount", account, template.owner.namespace)
        of_account = item.data.get("automountServiceAccountToken", True) if item else True
        mounted = template.spec.get("automountServiceAccountToken", of_account)
        if mounted and account not in bound and not template.ray:
            where = f"{template.path}.spec.automountServiceAccountToken"
            yield template.owner.finding(where, f"expected false: no role is bound to {account!r}")


def bindings(overlay: Overlay) -> Iterator[Finding]:
    """Bindings join roles and accounts that are there; no role grants everything."""
    for item in overlay.of("RoleBinding", "ClusterRoleBinding"):
        ref = item.data.get("roleRef") or {}
        space = item.namespace if ref.get("kind") == "Role" else None
        builtin = ref.get("kind") == "ClusterRole" and ref.get("name") in ("view", "edit", "admin")
        if not builtin and overlay.get(str(ref.get("kind")), str(ref.get("name")), space) is None:
            yield item.finding("roleRef.name", f"there is no {ref.get('kind')} {ref.get('name')!r}")
        for index, subject in enumerate(item.data.get("subjects") or ()):
            account = subject.get("kind") == "ServiceAccount"
            namespace = subject.get("namespace", item.namespace)
            if account and overlay.get("ServiceAccount", subject["name"], namespace) is None:
                yield item.finding(
                    f"subjects[{index}].name", f"there is no ServiceAccount {subject['name']!r}"
                )
    for item in overlay.of("Role", "ClusterRole"):
        for index, rule in enumerate(item.data.get("rules") or ()):
            for field in ("verbs", "resources", "apiGroups"):
                if "*" in (rule.get(field) or ()):
                    yield item.finding(f"rules[{index}].{field}", "'*' grants what nobody asked for")


def granted(overlay: Overlay) -> Iterator[Finding]:
    """What a pod's scripts ask the API server for, and what its collector watches, is granted to its account."""
    for template in pod_templates(overlay):
        account = str(template.spec.get("serviceAccountName", "default"))
        for path, verb, resource in _used(overlay, template):
            if not may(overlay, account, template.owner.namespace, verb, resource):
                yield template.owner.finding(path, f"{account!r} may not {verb} {resource}")


def may(overlay: Overlay, account: str, namespace: str, verb: str, resource: str) -> bool:
    """Whether the overlay's roles let an account do ``verb`` on ``resource`` (plural, with its group: `jobs.batch`)."""
    name, _, group = resource.partition(".")
    for kind, role_name, binding_space in _roles_of(overlay, account):
        role = overlay.get(kind, role_name)
        if role is None or (binding_space and binding_space != namespace):
            continue
        for rule in role.data.get("rules") or ():
            if (
                verb in rule["verbs"]
                and name in rule.get("resources", ())
                and group in rule.get("apiGroups", ())
            ):
                return True
    return False


def _roles_of(overlay: Overlay, account: str) -> Iterator[tuple[str, str, str]]:
    for item in overlay.of("RoleBinding", "ClusterRoleBinding"):
        for subject in item.data.get("subjects") or ():
            if subject.get("kind") == "ServiceAccount" and subject.get("name") == account:
                ref = item.data["roleRef"]
                yield ref["kind"], ref["name"], item.namespace if item.kind == "RoleBinding" else ""


def _subjects(overlay: Overlay) -> Iterator[tuple[str, str]]:
    for item in overlay.of("RoleBinding", "ClusterRoleBinding"):
        for subject in item.data.get("subjects") or ():
            yield str(subject.get("namespace", item.namespace)), str(subject["name"])


_CALL = re.compile(r"\.(read|create|patch|delete|list|replace)_namespaced_(\w+)\(([^)]*)\)")
"""A call of the official client in a script, with its arguments."""
_VERB = {"read": "get", "replace": "update"}
_WATCHED = {
    # processors and receivers of the OpenTelemetry Collector, and what each asks the API server for
    "k8sattributes": ("get list watch", ["pods", "namespaces", "nodes", "replicasets.apps"]),
    "k8sobjects": ("get list watch", ["events.events.k8s.io"]),
    "kubeletstats": ("get", ["nodes/stats"]),
    "k8s_leader_elector": ("get create update", ["leases.coordination.k8s.io"]),
}


def _used(overlay: Overlay, template: PodTemplate) -> Iterator[tuple[str, str, str]]:
    """(where, verb, resource) of what a pod asks the API server for: its scripts' calls, its collector's parts."""
    mounted = {at(volume, "configMap.name") for volume in template.spec.get("volumes") or ()}
    words = {
        str(word)
        for _, box in template.containers
        for word in (*box.get("command", ()), *box.get("args", ()))
    }
    for item in overlay.of("ConfigMap"):
        if item.name not in mounted:
            continue
        for name, text in (item.data.get("data") or {}).items():
            where = f"ConfigMap/{item.name} {name}"
            if name.endswith(".py") and any(word.endswith(f"/{name}") for word in words):
                for verb, kind, arguments in _CALL.findall(text):
                    yield where, _VERB.get(verb, verb), _resource(kind, arguments)
            elif "receivers:" in text and "exporters:" in text:
                yield from _watched(where, yaml.safe_load(text))


def _resource(kind: str, arguments: str) -> str:
    if kind != "custom_object":
        return f"{kind}s"
    group, _, plural = re.findall(r'"([^"]+)"', arguments)
    return f"{plural}.{group}"


def _watched(where: str, config: Manifest) -> Iterator[tuple[str, str, str]]:
    for part in (
        name for kind in ("extensions", "processors", "receivers") for name in config.get(kind) or ()
    ):
        verbs, resources = _WATCHED.get(part.partition("/")[0], ("", []))
        for resource in resources:
            for verb in verbs.split():
                yield f"{where} {part}", verb, resource


CHECKS = (images, restricted, tokens, bindings, granted)
