"""A cluster's API: kinds by discovery, objects as plain mappings, every refusal an error of ours."""

from __future__ import annotations

import json
import logging
import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import urllib3
import yaml
from kubernetes.client import ApiClient, Configuration
from kubernetes.config import (
    ConfigException,
    list_kube_config_contexts,
    load_incluster_config,
    load_kube_config,
)

from airis_ray.errors import InvalidInput, NotFound
from airis_ray.kube.errors import ClusterUnreachable, MissingKind, NoCluster, of_answer
from airis_ray.kube.manifests import Manifest

MANAGER: Final = "airis"
"""Our name as an owner of fields."""

_CONNECT_SECONDS: Final = 5.0
_READ_SECONDS: Final = 30.0

_UNREADABLE: Final = (
    ConfigException,
    yaml.YAMLError,
    OSError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
)
"""What the client raises over a kubeconfig that is missing, is no YAML, or is something else."""

_TOKEN: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")


@dataclass(frozen=True)
class Kind:
    """A kind as the cluster serves it."""

    api_version: str
    name: str
    plural: str
    namespaced: bool

    def path(self, namespace: str | None, name: str | None = None) -> str:
        root = f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"
        space = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        return f"{root}{space}/{self.plural}" + (f"/{name}" if name else "")


class Cluster:
    """A connection. ``namespace`` is that of the system, ``warnings`` what the API server warned of; one thread."""

    def __init__(self, client: ApiClient, namespace: str) -> None:
        self.namespace = namespace
        self.warnings: list[str] = []
        self._client = client
        self._kinds: dict[str, dict[str, Kind]] = {}

    @classmethod
    def open(cls, context: str | None, namespace: str) -> Cluster:
        """Connect by the kubeconfig (``KUBECONFIG``, ``~/.kube/config``), or as the pod that this runs in.

        Raises NoCluster, or InvalidInput for a context that the kubeconfig does not have and for what cannot be a
        namespace. Nothing is sent yet.
        """
        if not re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", namespace):
            raise InvalidInput(f"--namespace {namespace!r}: expected lower-case letters, digits and -")
        configuration = Configuration()
        try:
            if context is None and _TOKEN.is_file() and not _has_kubeconfig():
                load_incluster_config(client_configuration=configuration)
            else:
                with _complaints() as said:
                    load_kube_config(
                        context=context, client_configuration=configuration, persist_config=False
                    )
                if said:
                    raise NoCluster(f"the kubeconfig's credentials cannot be had: {said[0]}")
        except _UNREADABLE as error:
            raise _no_cluster(context, error) from error
        configuration.retries = False
        return cls(ApiClient(configuration), namespace)

    @property
    def address(self) -> str:
        """The API server's address."""
        return str(self._client.configuration.host)

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def kind(self, api_version: str, name: str) -> Kind:
        """A kind. Raises MissingKind."""
        if api_version not in self._kinds:
            root = "/apis/" if "/" in api_version else "/api/"
            try:
                found = self.request("GET", f"{root}{api_version}", what=f"look up {api_version}")
            except NotFound as error:
                raise MissingKind(name, api_version) from error
            self._kinds[api_version] = {
                row["kind"]: Kind(api_version, row["kind"], row["name"], row["namespaced"])
                for row in found["resources"]
                if "/" not in row["name"]
            }
        if name not in self._kinds[api_version]:
            raise MissingKind(name, api_version)
        return self._kinds[api_version][name]

    def get(self, api_version: str, name: str, item: str, *, namespace: str | None = None) -> Manifest:
        """One object of our namespace or another (or of none). Raises NotFound."""
        path = self.kind(api_version, name).path(namespace or self.namespace, item)
        return self.request("GET", path, what=f"get {name}/{item}")

    def find(self, api_version: str, name: str, selector: str = "") -> list[Manifest]:
        """The objects of our namespace that a label selector meets."""
        path = self.kind(api_version, name).path(self.namespace)
        query = {"limit": "500"} | ({"labelSelector": selector} if selector else {})
        items: list[Manifest] = []
        while True:
            page = self.request("GET", path, query=query, what=f"list {name}")
            items += page["items"]
            following = page.get("metadata", {}).get("continue")
            if not following:
                return items
            query = query | {"continue": following}

    def apply(self, item: Manifest, *, dry_run: bool, force: bool = False) -> Manifest:
        """Server-side apply. Raises Conflict and Rejected."""
        metadata = item["metadata"]
        kind = self.kind(item["apiVersion"], item["kind"])
        query = {"fieldManager": MANAGER, "force": "true" if force else "false", "fieldValidation": "Strict"}
        return self.request(
            "PATCH",
            kind.path(metadata.get("namespace", self.namespace), metadata["name"]),
            query=query | _dry(dry_run),
            body=item,
            content_type="application/apply-patch+yaml",
            what=f"{item['kind']}/{metadata['name']}",
        )

    def patch(
        self, api_version: str, name: str, item: str, operations: list[Manifest], *, dry_run: bool
    ) -> Manifest:
        """A JSON patch (RFC 6902)."""
        return self.request(
            "PATCH",
            self.kind(api_version, name).path(self.namespace, item),
            query={"fieldManager": MANAGER} | _dry(dry_run),
            body=operations,
            content_type="application/json-patch+json",
            what=f"{name}/{item}",
        )

    def create(self, item: Manifest, *, dry_run: bool) -> Manifest:
        """Make an object in our namespace."""
        kind = self.kind(item["apiVersion"], item["kind"])
        query = {"fieldManager": MANAGER} | _dry(dry_run)
        what = f"create {item['kind']}/{item['metadata']['name']}"
        return self.request("POST", kind.path(self.namespace), query=query, body=item, what=what)

    def proxied(self, service: str, path: str) -> tuple[int, bytes]:
        """What a Service (`name:port`) answers to a GET by way of the API server: (status, body)."""
        url = f"/api/v1/namespaces/{self.namespace}/services/{service}/proxy{path}"
        answer = self._send("GET", url, {}, None, None, _READ_SECONDS)
        return answer.status, bytes(answer.read())

    def lines(self, pod: str, container: str, *, follow: bool, tail: int, since: int | None) -> Iterator[str]:
        """A container's log, line by line; with ``follow`` until the container ends or the caller stops."""
        query = {"container": container, "follow": str(follow).lower(), "tailLines": str(tail)}
        query |= {"sinceSeconds": str(since)} if since is not None else {}
        path = f"/api/v1/namespaces/{self.namespace}/pods/{pod}/log"
        answer = self._send("GET", path, query, None, None, None if follow else _READ_SECONDS)
        if answer.status >= 300:
            raise of_answer(answer.status, answer.read(), f"logs of {pod}")
        rest = b""
        try:
            for chunk in answer.response.stream(64 * 1024):
                *whole, rest = (rest + chunk).split(b"\n")
                yield from (line.decode(errors="replace") for line in whole)
        except urllib3.exceptions.HTTPError as error:
            raise ClusterUnreachable(
                f"logs of {pod}: the cluster at {self.address} broke off: {error}"
            ) from error
        finally:
            answer.response.release_conn()
        if rest:
            yield rest.decode(errors="replace")

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: object = None,
        content_type: str | None = None,
        what: str,
    ) -> Manifest:
        """One call of the API; ``what`` names it in errors."""
        answer = self._send(method, path, query or {}, body, content_type, _READ_SECONDS)
        content = answer.read()
        if answer.status >= 300:
            raise of_answer(answer.status, content, what)
        result: Manifest = json.loads(content)
        return result

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: object,
        content_type: str | None,
        read_seconds: float | None,
    ) -> Any:
        headers = {"Accept": "application/json"} | ({"Content-Type": content_type} if content_type else {})
        if body is not None and content_type is None:
            headers["Content-Type"] = "application/json"
        try:
            parameters = self._client.param_serialize(
                method,
                path,
                query_params=list(query.items()),
                header_params=headers,
                body=body,
                auth_settings=["BearerToken"],
            )
            answer = self._client.call_api(*parameters, _request_timeout=(_CONNECT_SECONDS, read_seconds))
        except (urllib3.exceptions.HTTPError, ssl.SSLError, OSError) as error:
            raise ClusterUnreachable(
                f"the cluster at {self.address} cannot be reached: {_reason(error)}"
            ) from error
        except ConfigException as error:  # a credential plugin of the kubeconfig
            raise NoCluster(f"the kubeconfig's credentials cannot be had: {error}") from error
        for warning in answer.headers.getlist("Warning"):
            self.warnings.append(warning.partition('"')[2].removesuffix('"'))
        return answer


def _dry(dry_run: bool) -> dict[str, str]:
    return {"dryRun": "All"} if dry_run else {}


def _reason(error: BaseException) -> str:
    """The innermost cause, in the system's own words."""
    cause: BaseException = error
    while (inner := cause.__cause__ or cause.__context__) is not None:
        cause = inner
    text = (cause.strerror if isinstance(cause, OSError) else None) or str(cause) or type(cause).__name__
    return " ".join(text.split())[:200]


@contextmanager
def _complaints() -> Iterator[list[str]]:
    """What is logged as an error meanwhile: the client logs that a credential plugin failed, and goes on without it."""
    said: list[str] = []
    handler = logging.Handler(logging.ERROR)
    handler.emit = lambda record: said.append(" ".join(record.getMessage().split())[:200])  # type: ignore[method-assign]
    logging.getLogger().addHandler(handler)
    try:
        yield said
    finally:
        logging.getLogger().removeHandler(handler)


def _has_kubeconfig() -> bool:
    with suppress(*_UNREADABLE):
        return bool(list_kube_config_contexts())
    return False


def _no_cluster(context: str | None, error: Exception) -> NoCluster | InvalidInput:
    if context is not None:
        with suppress(*_UNREADABLE):
            names = [row["name"] for row in list_kube_config_contexts()[0]]
            if context not in names:
                return InvalidInput(
                    f"--context {context!r}: the kubeconfig has {', '.join(sorted(names)) or 'none'}"
                )
    detail = " ".join(str(error).split())
    return NoCluster(
        f"no cluster: there is no usable kubeconfig (KUBECONFIG, ~/.kube/config), and this is no pod ({detail})"
    )
