"""What the guard lets in, and what the others get."""

from __future__ import annotations

import json
import logging

import pytest

from airis_ray.cache import MemoryStore, Rate
from airis_ray.errors import Unauthenticated, Unavailable
from airis_ray.settings import Settings
from airis_ray.web.app import service_app, unguarded_routes
from airis_ray.web.auth import SELF_TENANT, Guard, Principal, Scope, is_loopback
from airis_ray.web.limits import StoreLimits
from airis_ray.web.problems import PROBLEM_JSON
from tests.unit.web.conftest import INGESTER, READER, Keys, client_of, demo_app, guard_of


async def test_a_key_with_the_scope_gets_in() -> None:
    answer = await client_of(demo_app(guard_of())).post("/things/1", json={"target": {}})
    assert answer.status_code == 200
    assert answer.json() == {"tenant": "acme"}


@pytest.mark.parametrize(
    ("header", "says"),
    [
        (None, "no credentials"),
        ("", "no credentials"),
        ("Basic YTpi", "Bearer"),
        ("Bearer", "Bearer"),
        ("Bearer nobody", "unknown, expired or revoked"),
        ("Bearer eyJhbGciOiJub25lIn0.e30.", "JSON Web Tokens are not accepted"),
    ],
)
async def test_credentials_that_open_nothing_give_401(header: str | None, says: str) -> None:
    headers = {} if header is None else {"authorization": header}
    for path in ("/things/write", "/no/such/path"):
        answer = await client_of(demo_app(guard_of()), key=None).get(path, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.headers["content-type"] == PROBLEM_JSON
        assert says in answer.json()["detail"]


async def test_a_key_without_the_scope_gets_403_that_names_it() -> None:
    answer = await client_of(demo_app(guard_of())).get("/things/write")
    assert answer.status_code == 403
    assert "scope write; yours has: read" in answer.json()["detail"]


async def test_public_paths_need_no_key_and_unknown_ones_do() -> None:
    client = client_of(demo_app(guard_of()), key=None)
    assert (await client.get("/open")).status_code == 200
    assert (await client.get("/open/")).status_code == 401


async def test_keys_that_cannot_be_verified_give_503() -> None:
    guard = guard_of(Keys(error=Unavailable("the store is down", retry_after=3)))
    answer = await client_of(demo_app(guard)).get("/things/write")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "3"


async def test_the_request_id_comes_back_and_a_wild_one_is_replaced() -> None:
    client = client_of(demo_app(guard_of()))
    assert (await client.get("/open", headers={"x-request-id": "abc-1"})).headers["x-request-id"] == "abc-1"
    for wild in ("a b", "x" * 200, 'a"b'):
        answer = await client.get("/open", headers={"x-request-id": wild})
        assert answer.headers["x-request-id"] != wild
        assert len(answer.headers["x-request-id"]) == 32


async def test_where_the_server_writes_the_request_id_the_application_does_not() -> None:
    guard = Guard(Settings(), Keys(), answers_request_id=False)
    answer = await client_of(demo_app(guard)).get("/nowhere", headers={"x-request-id": "r1"})
    assert "x-request-id" not in answer.headers
    assert answer.json()["request_id"] == "r1"


async def test_a_prefix_that_serve_mounts_at_is_no_part_of_the_path() -> None:
    app = demo_app(guard_of())
    client = client_of(app, key=None)
    client._transport.root_path = "/v1"
    assert (await client.get("/v1/open")).status_code == 200
    assert (await client.get("/v1/things/write")).status_code == 401


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_requests_over_the_limit_of_a_key_get_429_until_the_bucket_fills() -> None:
    clock = Clock()
    settings = Settings.model_validate({"limits": {"requests_per_minute": 3}})
    guard = guard_of(settings=settings, limits=StoreLimits(MemoryStore(clock=clock)))
    client = client_of(demo_app(guard))
    left = [(await client.post("/raw")).headers["ratelimit-remaining"] for _ in range(3)]
    assert left == ["2", "1", "0"]
    refused = await client.post("/raw")
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "20"
    assert refused.headers["ratelimit-limit"] == "3"
    assert refused.headers["ratelimit-remaining"] == "0"
    assert refused.headers["ratelimit-reset"] == "60"
    assert refused.headers["ratelimit-policy"] == "3;w=60"
    assert (await client_of(demo_app(guard), key="ingester").post("/raw")).status_code == 403
    clock.now += 20
    assert (await client.post("/raw")).status_code == 200
    assert (await client.post("/raw")).status_code == 429


async def test_buckets_are_bounded_and_never_hold_more_than_the_rate() -> None:
    clock = Clock()
    limits = StoreLimits(MemoryStore(max_buckets=2, clock=clock))
    for name in ("a", "b", "c"):
        await limits.take(name, Rate(1, 1.0))
    assert (await limits.take("a", Rate(1, 1.0))).granted  # forgotten, to its favour
    assert not (await limits.take("c", Rate(1, 1.0))).granted
    clock.now += 1e9
    assert (await limits.take("c", Rate(1, 1.0))).remaining == 0


# ---- without authentication ----

OPEN = Settings.model_validate({"auth": "disabled"})


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
async def test_disabled_lets_this_machine_in(peer: str) -> None:
    app = demo_app(Guard(OPEN, Keys({})))
    answer = await client_of(app, key=None, peer=peer, host="localhost:3000").get("/things/write")
    assert answer.status_code == 200


@pytest.mark.parametrize("peer", ["10.0.0.7", "192.168.1.2", "2001:db8::1", "::ffff:10.0.0.7", ""])
@pytest.mark.parametrize("forwarded", [None, "127.0.0.1", "127.0.0.1, ::1"])
async def test_disabled_refuses_others_whatever_they_say_of_themselves(
    peer: str, forwarded: str | None
) -> None:
    headers = {} if forwarded is None else {"x-forwarded-for": forwarded}
    app = demo_app(Guard(OPEN, Keys({})))
    answer = await client_of(app, key=None, peer=peer, host="localhost").get("/things/write", headers=headers)
    assert answer.status_code == 401
    assert "this machine alone" in answer.json()["detail"]


async def test_disabled_refuses_what_a_proxy_on_this_machine_brings_from_elsewhere() -> None:
    client = client_of(demo_app(Guard(OPEN, Keys({}))), key=None, host="localhost")
    for forwarded in ("10.0.0.7", "127.0.0.1, 10.0.0.7", "10.0.0.7, 127.0.0.1", "unknown"):
        answer = await client.get("/things/write", headers={"x-forwarded-for": forwarded})
        assert answer.status_code == 401, forwarded


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site", "host": "127.0.0.1:3000"},
        {"host": "evil.example:3000"},
        {"origin": "http://127.0.0.1.evil.example"},
    ],
)
async def test_disabled_refuses_what_a_foreign_page_makes_the_browser_send(headers: dict[str, str]) -> None:
    client = client_of(demo_app(Guard(OPEN, Keys({}))), key=None, host="localhost")
    assert (await client.get("/things/write", headers=headers)).status_code == 403
    own = {"origin": "http://localhost:3000", "host": "127.0.0.1:3000"}
    assert (await client.get("/things/write", headers=own)).status_code == 200


async def test_of_a_repeated_header_the_first_counts() -> None:
    """As in gRPC metadata: two readings of one request would be two callers."""
    client = client_of(demo_app(guard_of()), key=None)
    for first, status in (("reader", 200), ("ingester", 403)):
        second = "ingester" if first == "reader" else "reader"
        headers = [("authorization", f"Bearer {first}"), ("authorization", f"Bearer {second}")]
        answer = await client.post("/things/1", json={"target": {}}, headers=headers)
        assert answer.status_code == status, first


@pytest.mark.parametrize(
    "peer", ["ipv4:127.0.0.1:5120", "ipv6:[::1]:5120", "ipv6:%5B::1%5D:5120", "localhost"]
)
def test_loopback_as_grpc_writes_it(peer: str) -> None:
    assert is_loopback(peer)
    assert not is_loopback(
        peer.replace("127.0.0.1", "127.0.0.1.evil").replace("::1", "::2").replace("localhost", "x")
    )


async def test_grpc_asks_the_same_guard() -> None:
    guard = guard_of()
    assert await guard.authenticate("Bearer ingester", "ipv4:10.0.0.1:99") == INGESTER
    with pytest.raises(Unauthenticated):
        await guard.authenticate(None, "ipv4:127.0.0.1:99")


# ---- routes ----


def test_a_route_that_nothing_guards_is_found() -> None:
    app = demo_app(guard_of())
    assert unguarded_routes(app) == []

    @app.get("/forgotten")
    async def forgotten() -> None: ...

    app.mount("/files", app)
    assert unguarded_routes(app) == ["/forgotten", "/files"]


async def test_an_application_with_an_unguarded_route_does_not_start() -> None:
    app = service_app("demo", Settings(), guard_of())

    @app.get("/forgotten")
    async def forgotten() -> None: ...

    with pytest.raises(Exception, match="/forgotten"):
        async with app.router.lifespan_context(app):
            pass


async def test_an_unguarded_route_still_needs_a_key() -> None:
    app = service_app("demo", Settings(), guard_of())

    @app.get("/forgotten")
    async def forgotten() -> None: ...

    assert (await client_of(app, key=None).get("/forgotten")).status_code == 401


# ---- log and observer ----


class Observer:
    def __init__(self) -> None:
        self.seen: list[tuple[str, int, str, str]] = []

    def begin(self, exchange: object) -> str:
        return "begun"

    def end(self, exchange: object, begun: object) -> None:
        assert begun == "begun"
        fields = vars(type(exchange))["__slots__"]
        values = {name: getattr(exchange, name) for name in fields}
        self.seen.append((values["route"], values["status"], values["tenant"], values["request_id"]))

    def close(self) -> None:
        return None


async def test_every_request_is_logged_once_with_tenant_and_request(caplog: pytest.LogCaptureFixture) -> None:
    observer = Observer()
    keys = Keys({"reader": READER, "self": Principal("self", SELF_TENANT, frozenset({Scope.READ}))})
    app = demo_app(Guard(Settings(), keys, observer=observer))
    with caplog.at_level(logging.INFO, "airis.access"):
        await client_of(app).post("/things/1", json={"target": {}}, headers={"x-request-id": "r1"})
        await client_of(app, key=None).get("/things/write", headers={"x-request-id": "r2"})
        await client_of(app, key="self").post("/raw", headers={"x-request-id": "r3"})
    records = [vars(record) for record in caplog.records if record.name == "airis.access"]
    assert [(r["method"], r["path"], r["status"], r["key_id"]) for r in records] == [
        ("POST", "/things/1", 200, "k-reader"),
        ("GET", "/things/write", 401, ""),
    ]
    assert observer.seen == [
        ("/things/{number}", 200, "acme", "r1"),
        ("", 401, "", "r2"),
        ("/raw", 200, SELF_TENANT, "r3"),
    ]
    assert json.dumps(records[0]["bytes_in"]) == "13"
