"""Makes the Secrets of secrets.yaml in the cluster; keys that are there already stay as they are.

Run by the Job of component secrets-generated, in AIRIS-Ray's own image.
"""

from __future__ import annotations

import base64
import ctypes
import re
import secrets
import string
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException

from airis_ray.web.keys import new_key

NAMESPACE = "airis"
_ALPHABET = string.ascii_letters + string.digits  # may stand in a URL as they are
_LENGTH = 40  # 238 bits
_REFERENCE = re.compile(r"\{([a-z0-9-]+)/([A-Za-z0-9._-]+)\}")
_SECONDS = 30

Values = dict[str, dict[str, str]]
"""Secret → key → value."""


def missing(recipes: list[Mapping[str, Any]], present: Values) -> Values:
    """The values to add so that every recipe is met; ``present`` are those that are there."""
    known: Values = {name: dict(keys) for name, keys in present.items()}
    added: Values = {}
    for recipe in recipes:
        own = known.setdefault(recipe["name"], {})
        for key, how in recipe["keys"].items():
            if key not in own and how != "given":
                own[key] = made(how, known)
                added.setdefault(recipe["name"], {})[key] = own[key]
    return added


def made(how: str, known: Values) -> str:
    """A value by its recipe; ``known`` holds what other recipes made before."""
    if how == "random":
        return "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
    if how.startswith("api-key:"):
        return new_key(how.removeprefix("api-key:"))[1]
    if how.startswith("htpasswd:"):
        _, user, reference = how.split(":")
        name, key = reference.split("/")
        return f"{user}:{_bcrypt(known[name][key])}\n"
    return _REFERENCE.sub(lambda found: known[found[1]][found[2]], how)


def _bcrypt(password: str) -> str:
    """By the C library: the registry takes no other hash, and Python has none of its own."""
    library = ctypes.CDLL("libcrypt.so.1")
    library.crypt.restype = ctypes.c_char_p
    letters = "./" + string.ascii_uppercase + string.ascii_lowercase + string.digits
    salt = "".join(secrets.choice(letters) for _ in range(21)) + secrets.choice(".Oeu")  # 128 bits
    hashed = library.crypt(password.encode(), f"$2b$10${salt}".encode())
    if not hashed or not hashed.startswith(b"$2b$"):
        raise SystemExit("this system's crypt() has no bcrypt")
    return str(hashed.decode())


def main() -> int:
    """Read what is there, add what is missing."""
    config.load_incluster_config()
    core = client.CoreV1Api()
    recipes = yaml.safe_load(Path(__file__).with_name("secrets.yaml").read_text(encoding="utf-8"))["secrets"]
    spaces = {recipe["name"]: recipe.get("namespace", NAMESPACE) for recipe in recipes}
    present: Values = {}
    for name, space in spaces.items():
        found = _read(core, name, space)
        if found is not None:
            present[name] = found
    for name, values in missing(recipes, present).items():
        _write(core, name, spaces[name], values, name in present)
    return 0


def _read(core: client.CoreV1Api, name: str, space: str) -> dict[str, str] | None:
    try:
        found = core.read_namespaced_secret(name, space, _request_timeout=_SECONDS)
    except ApiException as error:
        if error.status in (403, 404):  # 403: a namespace that this overlay does not have
            return None
        raise
    return {key: base64.b64decode(value).decode() for key, value in (found.data or {}).items()}


def _write(core: client.CoreV1Api, name: str, space: str, values: dict[str, str], there: bool) -> None:
    try:
        if there:
            core.patch_namespaced_secret(name, space, {"stringData": values}, _request_timeout=_SECONDS)
        else:
            labels = {"app.kubernetes.io/part-of": "airis", "app.kubernetes.io/managed-by": "make-secrets"}
            body = client.V1Secret(
                metadata=client.V1ObjectMeta(name=name, labels=labels), string_data=values, type="Opaque"
            )
            core.create_namespaced_secret(space, body, _request_timeout=_SECONDS)
    except ApiException as error:
        if space == NAMESPACE or error.status not in (403, 404):
            raise
        print(f"{space}/{name}: not here")  # noqa: T201 - the job's line
        return
    print(f"{space}/{name}: {', '.join(sorted(values))}")  # noqa: T201 - the job's line


if __name__ == "__main__":
    sys.exit(main())
