"""Core kinds against the schemas of Kubernetes itself (`kubernetes-validate --strict`), for the newest versions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import jsonschema
from kubernetes_validate.utils import all_versions, major_minor, schema_contents
from referencing import Registry, Resource

from tests.support.kube.objects import Finding, Object

VERSIONS = tuple(dict.fromkeys(major_minor(version) for version in all_versions()))[-3:]
"""The three newest Kubernetes versions, oldest first."""


def check(item: Object, version: str) -> Iterator[Finding]:
    """What version ``version`` would refuse. The same as ``kubernetes_validate.validate(…, strict=True)``, which
    names one mistake and reads 3 MB of schemas for every object."""
    try:
        errors = _errors(json.dumps(item.data, sort_keys=True, default=str), version)
    except FileNotFoundError:
        yield item.finding("kind", f"Kubernetes {version} has no {item.kind} in {item.api_version}")
        return
    for path, detail in errors:
        yield item.finding(path, f"{detail} (Kubernetes {version})")


@lru_cache(maxsize=4096)
def _errors(text: str, version: str) -> tuple[tuple[str, str], ...]:
    data = json.loads(text)
    validator = _validator(data["apiVersion"], data["kind"], version)
    return tuple((_path(error.absolute_path), error.message[:300]) for error in validator.iter_errors(data))


@lru_cache(maxsize=256)
def _validator(api_version: str, kind: str, version: str) -> jsonschema.Draft202012Validator:
    group, _, name = api_version.rpartition("/")
    file = "-".join(part for part in (kind.lower(), group.split(".")[0], name) if part)
    folder = f"kubernetes-json-schema/{_folder(version)}"
    schema: Any = schema_contents(f"{folder}/{file}.json", version)
    return jsonschema.Draft202012Validator(
        schema, registry=Resource.from_contents(schema) @ _definitions(version)
    )


@lru_cache(maxsize=8)
def _definitions(version: str) -> Registry[Any]:
    contents = schema_contents(f"kubernetes-json-schema/{_folder(version)}/_definitions.json", version)
    return Resource.from_contents(contents) @ Registry()


def _folder(version: str) -> str:
    full = next(known for known in all_versions() if major_minor(known) == version)
    return f"v{full}-local-strict"


def _path(parts: Any) -> str:
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text or "."
