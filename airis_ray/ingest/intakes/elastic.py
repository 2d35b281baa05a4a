"""Elasticsearch's bulk API under ``/elastic``, and what its clients ask before they send."""

from __future__ import annotations

import time
from typing import Any, Final

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from airis_ray.errors import InvalidInput
from airis_ray.ingest.answers import reasons
from airis_ray.ingest.bodies import JSON
from airis_ray.ingest.intakes.door import Caller, Door, counted
from airis_ray.ingest.intakes.openapi import body
from airis_ray.ingest.intakes.refusals import PRODUCT
from airis_ray.telemetry.elastic import Bulk, translate_bulk, translate_document
from airis_ray.telemetry.elastic.bulk import CREATED

_NDJSON: Final = "application/x-ndjson"
_VERSION: Final = "9.0.0"
"""The version that is told: agents refuse to send to one that is older than they are."""

_INFO: Final[dict[str, Any]] = {
    "name": "airis",
    "cluster_name": "airis",
    "cluster_uuid": "airis-ray",
    "version": {
        "number": _VERSION,
        "build_flavor": "default",
        "build_type": "docker",
        "build_hash": "unknown",
        "build_date": "1970-01-01T00:00:00Z",
        "build_snapshot": False,
        "lucene_version": "10.1.0",
        "minimum_wire_compatibility_version": "8.18.0",
        "minimum_index_compatibility_version": "8.0.0",
    },
    "tagline": "You Know, for Search",
}
_LICENSE: Final = {"license": {"status": "active", "uid": "airis-ray", "type": "basic", "mode": "basic"}}
_HEALTH: Final[dict[str, Any]] = {
    "cluster_name": "airis",
    "status": "green",
    "timed_out": False,
    "number_of_nodes": 1,
    "number_of_data_nodes": 1,
    "active_shards_percent_as_number": 100.0,
}


def router(door: Door) -> APIRouter:
    """The routes."""
    routes = APIRouter(tags=["ingest"])
    _add_bulk(routes, door)
    _add_documents(routes, door)
    for path, name, summary, answer in (
        ("/elastic", "elastic_info", "Elasticsearch's product check", _INFO),
        ("/elastic/", "elastic_root", "Elasticsearch's product check", _INFO),
        ("/elastic/_license", "elastic_license", "Elasticsearch's licence, asked by Beats", _LICENSE),
        ("/elastic/_cluster/health", "elastic_health", "Elasticsearch's health, asked by agents", _HEALTH),
    ):
        _add_fixed(routes, path, name, summary, answer)
    return routes


def _add_bulk(routes: APIRouter, door: Door) -> None:
    async def bulk(request: Request, principal: Caller, index: str = "") -> Response:
        started = time.monotonic()

        def translate(data: bytes) -> Bulk:
            return translate_bulk(data, index, door.rules, door.intake.refusal("logs"), door.limit)

        with counted("elastic", "logs", principal) as outcome:
            async with door.visit(request, principal) as visit:
                found = await door.translate(visit, "logs", translate)
                await _keep(door, visit, found)
            outcome.status = 200
        items = [{item.action: item.document()} for item in found.items]
        took = round((time.monotonic() - started) * 1000)
        return _json({"took": took, "errors": found.errors, "items": items})

    async def bulk_all(request: Request, principal: Caller) -> Response:
        return await bulk(request, principal)

    for path, name, endpoint in (
        ("/elastic/_bulk", "elastic_bulk", bulk_all),
        ("/elastic/{index}/_bulk", "elastic_bulk_index", bulk),
    ):
        for method in ("POST", "PUT"):
            routes.add_api_route(
                path,
                endpoint,
                methods=[method],
                name=f"{name}_{method.lower()}" if method == "PUT" else name,
                response_class=Response,
                summary="Elasticsearch bulk",
                description=(
                    "Documents become log records; `create` and `index` append, `update` and `delete` are refused in "
                    "their items. Each item of the answer tells whether its document is durable."
                ),
                openapi_extra=body("actions and documents, a line each", _NDJSON, JSON),
            )


def _add_documents(routes: APIRouter, door: Door) -> None:
    async def document(request: Request, principal: Caller, index: str, id: str | None = None) -> Response:  # noqa: A002 - the path's name
        def translate(data: bytes) -> Bulk:
            admit = door.intake.refusal("logs")
            return translate_document(data, index, id, door.rules, admit, door.limit)

        with counted("elastic", "logs", principal) as outcome:
            async with door.visit(request, principal) as visit:
                found = await door.translate(visit, "logs", translate)
                await _keep(door, visit, found)
            item = found.items[0]
            if item.error:
                raise InvalidInput(item.error)
            outcome.status = 201
        return _json({"_index": item.index, "_id": item.id, **CREATED}, 201)

    async def new_document(request: Request, principal: Caller, index: str) -> Response:
        return await document(request, principal, index)

    for method, path, name, endpoint in (
        ("POST", "/elastic/{index}/_doc", "elastic_index", new_document),
        ("POST", "/elastic/{index}/_doc/{id}", "elastic_index_id", document),
        ("PUT", "/elastic/{index}/_doc/{id}", "elastic_index_id_put", document),
        ("POST", "/elastic/{index}/_create/{id}", "elastic_create", document),
        ("PUT", "/elastic/{index}/_create/{id}", "elastic_create_put", document),
    ):
        routes.add_api_route(
            path,
            endpoint,
            methods=[method],
            name=name,
            status_code=201,
            response_class=Response,
            summary="Elasticsearch: index one document",
            description="The document becomes a log record; an id is kept as an attribute and overwrites nothing.",
            openapi_extra=body("a document", JSON),
        )


async def _keep(door: Door, visit: Any, found: Bulk) -> None:
    refused = sum(bool(item.error) for item in found.items)
    decoded = await door.keep(visit, "logs", found.otlp, refused=refused)
    if (
        decoded.rejected
    ):  # each document was asked about before: this is one of a recording, or of a clock at its edge
        raise InvalidInput(reasons(decoded))


def _add_fixed(routes: APIRouter, path: str, name: str, summary: str, answer: dict[str, Any]) -> None:
    async def fixed(principal: Caller) -> Response:
        return _json(answer)

    for method in ("GET", "HEAD"):
        routes.add_api_route(
            path,
            fixed,
            methods=[method],
            name=name,
            summary=summary,
            response_class=Response,
            include_in_schema=method == "GET",
        )


def _json(answer: dict[str, Any], status: int = 200) -> Response:
    return Response(orjson.dumps(answer), status, PRODUCT, JSON)
