"""Custom resources against their definitions, in the API server's order: nulls dropped, defaults, unknown fields,
the OpenAPI schema, CEL rules."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import jsonschema

from airis_ray.kube.manifests import Manifest, parse
from tests.support.kube.cel import holds, property_name
from tests.support.kube.objects import Finding, Object

Schema = dict[str, Any]


class Definitions:
    """The custom resource definitions of a folder, by group, version and kind; a file is read when it is asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def _files(self) -> dict[tuple[str, str], Path]:
        """(group, kind) → file. The names are read from the first lines, the rest only where it is needed."""
        found: dict[tuple[str, str], Path] = {}
        for path in sorted(self._folder.rglob("*.yaml")):
            text = path.read_text(encoding="utf-8")
            if "kind: CustomResourceDefinition" in text:
                group, kind = _line(text, "  group: "), _line(text, "    kind: ")
                # gateway-api comes in two channels: the standard one counts
                if (group, kind) not in found or "standard" in path.parts:
                    found[group, kind] = path
        return found

    @property
    def kinds(self) -> frozenset[tuple[str, str]]:
        return frozenset(self._files)

    def schema(self, api_version: str, kind: str) -> Schema | None:
        """The schema of a served version; None where no file defines the kind, an empty one where not the version."""
        group, _, version = api_version.rpartition("/")
        path = self._files.get((group, kind))
        return None if path is None else _schemas(path).get((kind, version), {})

    def check(self, item: Object) -> Iterator[Finding]:
        """What the API server would refuse of a custom resource."""
        schema = self.schema(item.api_version, item.kind)
        if not schema:
            yield item.finding("apiVersion", f"no definition of {item.kind} in {item.api_version}")
            return
        value = with_defaults(_without_nulls(item.data), schema)
        for path, detail in [
            *_unknown(value, schema, "", root=True),
            *_invalid(value, schema),
            *_broken(value, schema, ""),
        ]:
            yield item.finding(path, detail)


def _line(text: str, start: str) -> str:
    return next(
        (line[len(start) :].strip().strip("\"'") for line in text.splitlines() if line.startswith(start)), ""
    )


@lru_cache(maxsize=256)
def _schemas(path: Path) -> dict[tuple[str, str], Schema]:
    return {
        (definition["spec"]["names"]["kind"], version["name"]): version["schema"]["openAPIV3Schema"]
        for definition in parse(path.read_text(encoding="utf-8"))
        if definition["kind"] == "CustomResourceDefinition"
        for version in definition["spec"]["versions"]
        if version.get("served", True)
    }


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(item) for name, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def with_defaults(value: Any, schema: Schema) -> Any:
    """``value`` with the defaults of its schema, all the way down."""
    if isinstance(value, dict):
        properties, others = schema.get("properties", {}), schema.get("additionalProperties")
        missing = {
            name: deepcopy(inner["default"])
            for name, inner in properties.items()
            if "default" in inner and name not in value
        }
        return {
            name: with_defaults(item, properties.get(name, others if isinstance(others, dict) else {}))
            for name, item in (value | missing).items()
        }
    if isinstance(value, list):
        return [with_defaults(item, schema.get("items", {})) for item in value]
    return value


def _unknown(value: Any, schema: Schema, path: str, *, root: bool = False) -> Iterator[tuple[str, str]]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _unknown(item, schema.get("items", {}), f"{path}[{index}]")
    if not isinstance(value, dict) or schema.get("x-kubernetes-preserve-unknown-fields"):
        return
    properties, others = schema.get("properties", {}), schema.get("additionalProperties")
    if not properties and others in (None, True) and schema.get("type") != "object":
        return
    embedded = root or schema.get("x-kubernetes-embedded-resource", False)
    for name, item in value.items():
        where = f"{path}.{name}" if path else name
        if embedded and name in ("apiVersion", "kind", "metadata"):
            continue
        if name in properties:
            yield from _unknown(item, properties[name], where)
        elif isinstance(others, dict):
            yield from _unknown(item, others, where)
        elif not others:
            yield where, f"unknown field {name!r}"


def _invalid(value: Manifest, schema: Schema) -> Iterator[tuple[str, str]]:
    # Draft 4 is what OpenAPI 3.0 schemas are written in (exclusiveMinimum is a boolean there).
    for error in jsonschema.Draft4Validator(schema).iter_errors(value):
        yield _path(error.absolute_path), error.message[:300]


def _path(parts: Any) -> str:
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text or "."


def _broken(value: Any, schema: Schema, path: str) -> Iterator[tuple[str, str]]:
    for rule in schema.get("x-kubernetes-validations", ()):
        text = rule["rule"]
        if "oldSelf" in text and not rule.get("optionalOldSelf"):
            continue  # compares with an older state: nothing to compare with
        try:
            fine = holds(text, _named(value, schema))
        except Exception as error:
            yield path or ".", f"the rule {text!r} cannot be evaluated here: {error}"
            continue
        if not fine:
            yield path or ".", rule.get("message") or f"breaks the rule {text}"
    if isinstance(value, dict):
        properties, others = schema.get("properties", {}), schema.get("additionalProperties")
        for name, item in value.items():
            inner = properties.get(name, others if isinstance(others, dict) else None)
            if inner is not None:
                yield from _broken(item, inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _broken(item, schema.get("items", {}), f"{path}[{index}]")


def _named(value: Any, schema: Schema) -> Any:
    """``value`` with its property names as CEL writes them; keys of maps stay as they are."""
    if isinstance(value, dict):
        properties, others = schema.get("properties", {}), schema.get("additionalProperties")
        inner = others if isinstance(others, dict) else {}
        return {
            (property_name(name) if name in properties else name): _named(item, properties.get(name, inner))
            for name, item in value.items()
        }
    return [_named(item, schema.get("items", {})) for item in value] if isinstance(value, list) else value
