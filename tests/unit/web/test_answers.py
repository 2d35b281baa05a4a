"""Which answers come back without being asked for again, and to whom."""

from __future__ import annotations

import asyncio
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, Body
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from airis_ray.cache import MemoryStore, Rate, Taken
from airis_ray.errors import InvalidInput, Unavailable
from airis_ray.settings import Settings
from airis_ray.web.answers import AnswerCache
from airis_ray.web.app import service_app
from airis_ray.web.auth import Guard, Principal, Scope
from tests.unit.web.conftest import Keys, Reader

KEYS = {
    "reader": Principal("k1", "acme", frozenset({Scope.READ})),
    "same": Principal("k2", "acme", frozenset({Scope.READ})),
    "admin": Principal("k3", "acme", frozenset({Scope.READ, Scope.ADMIN})),
    "other": Principal("k4", "globex", frozenset({Scope.READ})),
    "writer": Principal("k5", "acme", frozenset({Scope.WRITE})),
}


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Gone:
    """A store that is away."""

    async def get(self, key: str) -> bytes | None:
        raise Unavailable("gone")

    async def put(self, key: str, value: bytes, ttl: float) -> None:
        raise Unavailable("gone")

    async def delete(self, key: str) -> None:
        raise Unavailable("gone")

    async def take(self, key: str, rate: Rate) -> Taken:
        raise Unavailable("gone")

    async def ping(self) -> None:
        raise Unavailable("gone")

    async def close(self) -> None:
        return None


class World:
    """An application that counts how often it was asked; its answers cost what a test says."""

    def __init__(self, store: MemoryStore | Gone | None = None, **cache: object) -> None:
        self.clock = Clock()
        self.asked = 0
        self.cost = 1.0
        self.size = 10
        self.status = 200
        settings = Settings.model_validate({"cache": cache})
        self.guard = Guard(settings, Keys(KEYS))
        self.store = store or MemoryStore(clock=self.clock)
        self.app = service_app("demo", settings, self.guard)
        options = {"store": self.store, "settings": settings.cache}
        self.app.add_middleware(AnswerCache, **options, clock=self.clock, wall_clock=self.clock)
        self.app.user_middleware.reverse()  # the guard in front, as service_app has it
        self.app.include_router(self.routes())

    def routes(self) -> APIRouter:
        routes = APIRouter()

        @routes.post("/search")
        async def search(principal: Reader, asked: Annotated[dict[str, object], Body()]) -> Response:
            self.spend()
            text = f"{principal.tenant} {self.asked} {asked}".ljust(self.size)
            headers = {"X-Airis-Cursor": "c1", "X-Private": "p"}
            return Response(text, self.status, headers, media_type="text/x-answer")

        @routes.get("/things/{name}")
        async def thing(name: str, principal: Reader, prefix: str = "") -> dict[str, int]:
            self.spend()
            return {"asked": self.asked}

        @routes.get("/stream")
        async def stream(principal: Reader, fail: bool = False) -> StreamingResponse:
            self.spend()
            return StreamingResponse(self.parts(fail))

        @routes.get("/wrong")
        async def wrong(principal: Reader) -> None:
            self.spend()
            raise InvalidInput("no")

        @routes.post("/raw")
        async def raw(request: Request, principal: Reader) -> dict[str, int]:
            self.spend()
            return {"bytes": len(await request.body()), "asked": self.asked}

        return routes

    async def parts(self, fail: bool):
        for part in (b"one ", b"two ", str(self.asked).encode()):
            yield part
            if fail:
                raise RuntimeError("broke off")

    def spend(self) -> None:
        self.asked += 1
        self.clock.now += self.cost

    def client(self, key: str = "reader", **headers: str) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.app, client=("127.0.0.1", 1), raise_app_exceptions=False)
        headers = {"authorization": f"Bearer {key}", **headers}
        return httpx.AsyncClient(transport=transport, base_url="http://airis", headers=headers)

    async def search(self, key: str = "reader", query: str = "x", **headers: str) -> httpx.Response:
        answer = await self.client(key).post("/search", json={"query": query}, headers=headers)
        assert answer.status_code == self.status, answer.text
        return answer


async def test_a_costly_answer_comes_back_with_its_age() -> None:
    world = World()
    first = await world.search()
    assert first.headers["x-cache"] == "miss"
    assert "age" not in first.headers
    world.clock.now += 2.5
    again = await world.search()
    assert (again.headers["x-cache"], again.headers["age"]) == ("hit", "2")
    assert again.content == first.content
    assert again.headers["content-type"] == first.headers["content-type"]
    assert again.headers["x-airis-cursor"] == "c1"
    assert "x-private" not in again.headers
    assert again.headers["x-request-id"] != first.headers["x-request-id"]
    assert "ratelimit-remaining" in again.headers
    assert world.asked == 1


@pytest.mark.parametrize(("cost", "seconds"), [(0.2, 0.0), (0.4, 2.0), (1.0, 5.0), (60.0, 10.0)])
async def test_how_long_it_is_kept_follows_from_what_it_cost(cost: float, seconds: float) -> None:
    world = World()
    world.cost = cost
    await world.search()
    if seconds:
        world.clock.now += seconds - 0.1
        assert (await world.search()).headers["x-cache"] == "hit"
        world.clock.now += 0.2
    assert (await world.search()).headers["x-cache"] == "miss"


async def test_it_is_only_for_the_same_request_of_the_same_tenant_and_rights() -> None:
    world = World()
    own = await world.search()
    assert (await world.search("same")).content == own.content
    assert "globex" in (await world.search("other")).text
    assert (await world.search("admin")).headers["x-cache"] == "miss"
    assert (await world.search(query="y")).headers["x-cache"] == "miss"
    assert (await world.search(accept="text/plain")).headers["x-cache"] == "miss"
    client = world.client()
    asked = [
        (await client.get(path)).json()["asked"]
        for path in ("/things/a", "/things/b", "/things/a?prefix=c", "/things/a")
    ]
    assert asked[:3] == sorted(set(asked[:3]))
    assert asked[3] == asked[0]


async def test_rights_and_keys_are_checked_before() -> None:
    world = World()
    await world.search()
    assert (await world.client("writer").post("/search", json={"query": "x"})).status_code == 403
    assert (await world.client("unknown").post("/search", json={"query": "x"})).status_code == 401
    assert world.asked == 1


@pytest.mark.parametrize(
    ("wish", "hits", "kept_anew"),
    [
        ("no-cache", False, True),
        ("no-store", False, False),
        ("No-Cache, max-age=100", False, True),
        ("max-age=0", False, True),
        ("max-age=2", False, True),
        ("max-age=3", True, False),
        ("max-age=x, only-if-cached", True, False),
    ],
)
async def test_what_the_caller_wants_of_the_cache(wish: str, hits: bool, kept_anew: bool) -> None:
    world = World()
    await world.search()
    world.clock.now += 3.0
    wished = await world.search(**{"cache-control": wish})
    assert (wished.headers["x-cache"] == "hit") is hits
    assert world.asked == (1 if hits else 2)
    if not hits and "max-age=2" not in wish:
        assert wished.headers["x-cache"] == "bypass"
    after = await world.search()
    assert after.headers["x-cache"] == "hit"
    assert (after.content == wished.content) is (hits or kept_anew)


async def test_only_whole_small_successes_are_kept() -> None:
    world = World(answer_bytes="1kB")
    for path, kept in (("/stream", True), ("/stream?fail=true", False), ("/wrong", False)):
        world.asked = 0
        for _ in range(2):
            await world.client().get(path)
        assert world.asked == (1 if kept else 2), path
    world.status, world.asked = 203, 0
    for _ in range(2):
        await world.search(query="other status")
    assert world.asked == 2
    world.status, world.size, world.asked = 200, 1001, 0
    for _ in range(2):
        assert len((await world.search(query="large")).content) == 1001
    assert world.asked == 2


async def test_a_body_too_long_for_a_name_arrives_whole() -> None:
    world = World()
    for size, asked in ((64 * 1024, [1, 1]), (64 * 1024 + 1, [2, 3])):
        answers = [(await world.client().post("/raw", content=b"x" * size)).json() for _ in range(2)]
        assert answers == [{"bytes": size, "asked": number} for number in asked]


async def test_a_body_over_the_limit_is_refused_as_ever() -> None:
    world = World()
    limit = Settings().ingest.max_body_bytes

    async def chunks():
        for _ in range(limit // 2**20 + 1):
            yield b"x" * 2**20

    answer = await world.client().post("/raw", content=chunks())
    assert answer.status_code == 413


async def test_without_its_store_everything_is_asked() -> None:
    world = World(Gone())
    assert [(await world.search()).headers["x-cache"] for _ in range(2)] == ["miss", "miss"]


async def test_it_can_be_switched_off() -> None:
    world = World(answer_ttl=0)
    assert ["x-cache" in (await world.search()).headers for _ in range(2)] == [False, False]
    assert world.asked == 2


async def test_an_answer_under_a_wrong_name_is_not_given() -> None:
    world = World()
    await world.search()
    store = world.store
    assert isinstance(store, MemoryStore)
    (name,) = store._values
    value = await store.get(name)
    assert value is not None
    await store.put(name, value.replace(b'"acme"', b'"else"'), 60.0)
    assert (await world.search()).headers["x-cache"] == "miss"


async def test_tenants_at_once_each_get_their_own() -> None:
    world = World()
    answers = await asyncio.gather(
        *(world.search(key, query=f"q{n % 3}") for n in range(30) for key in ("reader", "other"))
    )
    assert [answer.text.split()[0] for answer in answers] == ["acme", "globex"] * 30
