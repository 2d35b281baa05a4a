"""Every object that another one names is there, with the key that is asked for.

A Secret that no repository may hold is made in the cluster by a Job (``kuberay/secrets.yaml``) or comes from a vault.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import yaml

from airis_ray.kube.manifests import Manifest
from tests.support.kube.checks.security import may
from tests.support.kube.objects import Finding, Object, Overlay, walk
from tests.support.kube.pods import at, pod_templates, services

Known = Mapping[str, frozenset[str] | None]
"""Name → keys; None where the keys are not known before the cluster."""


def secrets(overlay: Overlay) -> Known:
    """The Secrets that this overlay has, makes in the cluster, or takes from a vault."""
    known: dict[str, frozenset[str] | None] = {row["name"]: frozenset(row["keys"]) for row in _made(overlay)}
    for item in overlay.of("Secret"):
        known[item.name] = frozenset(item.data.get("data") or {}) | frozenset(
            item.data.get("stringData") or {}
        )
    for item in overlay.of("ExternalSecret"):
        name = at(item.spec, "target.name") or item.name
        keys = frozenset(str(row.get("secretKey")) for row in item.spec.get("data") or ())
        known[str(name)] = None if item.spec.get("dataFrom") else keys
    for item in overlay.of("SealedSecret"):
        known[item.name] = frozenset(item.spec.get("encryptedData") or {})
    for item in overlay.of("Certificate"):
        known[str(item.spec.get("secretName"))] = frozenset({"tls.crt", "tls.key", "ca.crt"})
    return known


def _made(overlay: Overlay) -> Iterator[Manifest]:
    """The rows of secrets.yaml that a Job of this overlay makes: it has the file, and may create Secrets there."""
    for template in pod_templates(overlay):
        if template.owner.kind != "Job":
            continue
        mounted = {at(volume, "configMap.name") for volume in template.spec.get("volumes") or ()}
        texts = [at(item.data, "data") or {} for item in overlay.of("ConfigMap") if item.name in mounted]
        account = str(template.spec.get("serviceAccountName"))
        for row in (
            row
            for text in texts
            if "secrets.yaml" in text
            for row in yaml.safe_load(text["secrets.yaml"])["secrets"]
        ):
            space = row.get("namespace", template.owner.namespace)
            if "given" not in row["keys"].values() and may(overlay, account, space, "create", "secrets"):
                yield row


def config_maps(overlay: Overlay) -> Known:
    """The ConfigMaps of this overlay and the one that every namespace has."""
    own = {
        item.name: frozenset(item.data.get("data") or {}) | frozenset(item.data.get("binaryData") or {})
        for item in overlay.of("ConfigMap")
    }
    return {"kube-root-ca.crt": frozenset({"ca.crt"}), **own}


def configuration(overlay: Overlay) -> Iterator[Finding]:
    """References to Secrets and ConfigMaps, wherever they stand."""
    known = {"Secret": secrets(overlay), "ConfigMap": config_maps(overlay)}
    for item in overlay.everything:
        if item.kind in ("Secret", "ConfigMap", "Certificate", "CustomResourceDefinition"):
            continue
        for path, value in walk(item.data):
            for kind, name, keys, where in _references(path, value):
                yield from _resolve(item, known[kind], kind, name, keys, where)


def _references(path: str, value: Manifest) -> Iterator[tuple[str, str, list[str], str]]:
    """(kind, name, keys, field) of each reference that one mapping holds itself."""
    named = {
        "secretKeyRef": "Secret",
        "secretRef": "Secret",
        "configMapKeyRef": "ConfigMap",
        "configMapRef": "ConfigMap",
        "configMap": "ConfigMap",
        "secretTargetRef": "Secret",
        "secret": "Secret",
        "imagePullSecrets": "Secret",
    }
    for field, kind in named.items():
        inner = value.get(field)
        for index, ref in enumerate(inner if isinstance(inner, list) else [inner]):
            if not isinstance(ref, dict) or ref.get("optional"):
                continue
            name = ref.get("name") or ref.get("secretName")
            if isinstance(name, str):
                where = f"{path}.{field}" + (f"[{index}]" if isinstance(inner, list) else "")
                keys = [ref["key"]] if "key" in ref else [row["key"] for row in ref.get("items") or ()]
                yield kind, name, keys, f"{where}.{'name' if 'name' in ref else 'secretName'}"
    for field in ("secretName", "credentialName"):
        parent = path.rpartition(".")[2].partition("[")[0]
        if isinstance(value.get(field), str) and parent not in ("secret", "spec", "secretTemplate"):
            keys = ["auth_token"] if parent == "authOptions" else []
            yield "Secret", value[field], keys, f"{path}.{field}"


def _resolve(
    item: Object, known: Known, kind: str, name: str, keys: list[str], where: str
) -> Iterator[Finding]:
    if name not in known:
        yield item.finding(where, f"there is no {kind} {name!r}")
        return
    held = known[name]
    for key in keys if held is not None else ():
        if key not in held:
            yield item.finding(where, f"{kind} {name!r} has no key {key!r} ({sorted(held or ())})")


def volumes(overlay: Overlay) -> Iterator[Finding]:
    """A mounted volume is declared, a declared one is mounted, a claim's class is there."""
    classes = {item.name for item in overlay.of("StorageClass")}
    claims = {item.name for item in overlay.of("PersistentVolumeClaim")}
    for template in pod_templates(overlay):
        templates = template.owner.spec.get("volumeClaimTemplates") or ()
        own = {str(at(claim, "metadata.name")) for claim in templates}
        declared = {str(volume["name"]) for volume in template.spec.get("volumes") or ()} | own
        mounted: set[str] = set()
        for path, container in template.containers:
            for index, mount in enumerate(container.get("volumeMounts") or ()):
                mounted.add(mount["name"])
                if mount["name"] not in declared:
                    yield template.owner.finding(
                        f"{path}.volumeMounts[{index}].name", f"no volume {mount['name']!r}"
                    )
        for name in sorted(declared - mounted):
            yield template.owner.finding(f"{template.path}.spec.volumes", f"{name!r} is mounted nowhere")
        for index, volume in enumerate(template.spec.get("volumes") or ()):
            claim = at(volume, "persistentVolumeClaim.claimName")
            if claim and claim not in claims:
                where = f"{template.path}.spec.volumes[{index}].persistentVolumeClaim.claimName"
                yield template.owner.finding(where, f"there is no PersistentVolumeClaim {claim!r}")
    for item in overlay.everything:
        for path, value in walk(item.data):
            name = value.get("storageClassName")
            if isinstance(name, str) and name not in classes:
                yield item.finding(f"{path}.storageClassName", f"there is no StorageClass {name!r}")


def names(overlay: Overlay) -> Iterator[Finding]:
    """Service accounts, priority classes, issuers and roles that are named are there."""
    for template in pod_templates(overlay):
        path = f"{template.path}.spec"
        account = template.spec.get("serviceAccountName")
        if account and overlay.get("ServiceAccount", account, template.owner.namespace) is None:
            yield template.owner.finding(
                f"{path}.serviceAccountName", f"there is no ServiceAccount {account!r}"
            )
        priority = str(template.spec.get("priorityClassName"))
        if not priority.startswith("system-") and overlay.get("PriorityClass", priority) is None:
            yield template.owner.finding(
                f"{path}.priorityClassName", f"there is no PriorityClass {priority!r}"
            )
    for item in overlay.of("Certificate"):
        ref = item.spec.get("issuerRef") or {}
        if overlay.get(str(ref.get("kind", "Issuer")), str(ref.get("name"))) is None:
            yield item.finding(
                "spec.issuerRef.name", f"there is no {ref.get('kind', 'Issuer')} {ref.get('name')!r}"
            )
    for item in overlay.of("ScaledObject"):
        for index, trigger in enumerate(item.spec.get("triggers") or ()):
            name = at(trigger, "authenticationRef.name")
            if name and overlay.get("TriggerAuthentication", str(name), item.namespace) is None:
                where = f"spec.triggers[{index}].authenticationRef.name"
                yield item.finding(where, f"there is no TriggerAuthentication {name!r}")


def namespaces(overlay: Overlay) -> Iterator[Finding]:
    """A namespaced object lies in a namespace that the overlay makes (or one that an operator made)."""
    made = {item.name for item in overlay.of("Namespace")}
    for item in overlay.objects:
        if item.namespace and item.namespace not in made:
            yield item.finding("metadata.namespace", f"the overlay makes no Namespace {item.namespace!r}")


def addresses(overlay: Overlay) -> Iterator[Finding]:
    """Addresses inside the cluster that configuration names (`<service>.<namespace>.svc`) are Services."""
    known = {(service.name, service.namespace) for service in services(overlay)}
    spaces = {item.name for item in overlay.of("Namespace")}
    for item in overlay.objects:
        for path, text in _texts(item.data):
            for word in _words(text):
                name, _, rest = word.partition(".svc")
                host, _, space = name.rpartition(".")
                service = host.rpartition(".")[2]
                if (
                    space in spaces
                    and (service, space) not in known
                    and "$" not in service
                    and "*" not in service
                ):
                    yield item.finding(
                        path, f"{word!r}: there is no Service {service!r} in {space!r}{rest[:0]}"
                    )


def _texts(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _texts(item, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, f"{path}[{index}]")
    elif isinstance(value, str) and ".svc" in value:
        yield path, value


def _words(text: str) -> Iterator[str]:
    yield from re.findall(
        r"[A-Za-z0-9$*{}()_-]+(?:\.[A-Za-z0-9$*{}()_-]+)*\.svc(?:\.cluster\.local)?\b", text
    )


CHECKS = (configuration, volumes, names, namespaces, addresses)
