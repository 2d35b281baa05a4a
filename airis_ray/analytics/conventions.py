"""Attribute keys that mean the same: the semantic conventions before and after their renaming, and short names.

Source: OpenTelemetry's migration guides for HTTP, databases, messaging, RPC, code and deployment attributes.
"""

from __future__ import annotations

from typing import Final

_RENAMED: Final = (
    ("http.method", "http.request.method"),
    ("http.status_code", "http.response.status_code"),
    ("http.url", "url.full"),
    ("http.target", "url.path"),
    ("http.scheme", "url.scheme"),
    ("http.host", "server.address"),
    ("http.client_ip", "client.address"),
    ("http.user_agent", "user_agent.original"),
    ("http.request_content_length", "http.request.body.size"),
    ("http.response_content_length", "http.response.body.size"),
    ("net.peer.name", "server.address"),
    ("net.peer.port", "server.port"),
    ("net.protocol.version", "network.protocol.version"),
    ("net.sock.peer.addr", "network.peer.address"),
    ("db.system", "db.system.name"),
    ("db.name", "db.namespace"),
    ("db.statement", "db.query.text"),
    ("db.operation", "db.operation.name"),
    ("db.sql.table", "db.collection.name"),
    ("messaging.destination", "messaging.destination.name"),
    ("messaging.operation", "messaging.operation.type"),
    ("messaging.kafka.partition", "messaging.destination.partition.id"),
    ("rpc.system", "rpc.system.name"),
    ("enduser.id", "user.id"),
    ("code.filepath", "code.file.path"),
    ("code.function", "code.function.name"),
    ("code.lineno", "code.line.number"),
    ("deployment.environment", "deployment.environment.name"),
)

_SHORT: Final = {
    "host": "host.name",
    "pod": "k8s.pod.name",
    "node": "k8s.node.name",
    "env": "deployment.environment.name",
    "version": "service.version",
}


def _same() -> dict[str, tuple[str, ...]]:
    same: dict[str, tuple[str, ...]] = {}
    for old, new in _RENAMED:
        same[old] = (*same.get(old, ()), new)
        same[new] = (*same.get(new, ()), old)
    return same


_SAME: Final = _same()


def keys_of(name: str) -> tuple[str, ...]:
    """The attribute keys a name stands for, the one that counts first.

    A name of either convention stands for itself, then for its counterparts; a short name for the key it shortens,
    then for a key that is literally called so.
    """
    if name in _SHORT:
        return (*keys_of(_SHORT[name]), name)
    return (name, *_SAME.get(name, ()))
