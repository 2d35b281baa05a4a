"""What is recorded is found, shown beside traces and logs, and goes again."""

from __future__ import annotations

import time
from typing import Any

import orjson
import pytest
import zstandard
from fsspec.implementations.memory import MemoryFileSystem

from airis_ray.errors import Unavailable
from airis_ray.replay.objects import Objects
from airis_ray.replay.sweeping import Sweeper
from airis_ray.settings import DiskSettings, Settings
from airis_ray.store import Query
from tests.unit.gateway.parties import Party, payload
from tests.unit.replay.events import click, meta
from tests.unit.replay.site import TRACE, Site, now, visit

DAY = 86_400


async def test_sessions_are_found_by_what_happened_in_them(site: Site) -> None:
    at = now() - 600_000
    await site.send(visit(at), session="angry", user="kim", service="web")
    await site.send([meta(at + 1000, "https://shop.example/결제")], session="calm", user="lee", service="web")
    await site.send([meta(at + 2000)], session="other", service="admin")
    for query, found in {
        "": ["other", "calm", "angry"],
        "user:kim": ["angry"],
        "rage_clicks:>0": ["angry"],
        "-service:web": ["other"],
        "결제": ["calm"],
        "url:*cart*": ["angry"],
        f"trace:{TRACE}": ["angry"],
        "duration_ms:<5": ["other", "calm"],
    }.items():
        listed = await site.listed(query=query, **{"from": "now-1h"})
        assert [row["id"] for row in listed] == found, query
    first = await site.replay.get("/sessions", params={"from": "now-1h", "limit": 2})
    assert [row["id"] for row in first.json()] == ["other", "calm"]
    second = await site.replay.get(first.links["next"]["url"])
    assert [row["id"] for row in second.json()] == ["angry"]
    assert "next" not in second.links
    row = second.json()[0]
    assert set(row) == set(await site.session("angry")) - {"blocks", "attributes", "missing", "late"}
    assert {
        k: v
        for k, v in (await site.session("angry")).items()
        if k not in ("blocks", "attributes", "missing", "late")
    } == row
    wrong = await site.replay.get("/sessions", params={"query": "colour:red"})
    assert wrong.status_code == 400
    assert "rage_clicks" in wrong.json()["detail"]


async def test_a_late_chunk_moves_a_session_and_leaves_no_other(site: Site) -> None:
    at = (now() - 7_200_000) // 3_600_000 * 3_600_000
    for number, start in ((2, at + 60_000), (1, at - 1000), (0, at - 2000)):
        await site.send([meta(start)], number)
        listed = await site.listed(**{"from": "now-6h"})
        assert [(row["id"], row["gaps"]) for row in listed] == [("s1", number)]
        shown = await site.session("s1")
        assert sum(gap["last"] - gap["first"] + 1 for gap in shown["missing"]) == number
    assert listed[0]["duration_ms"] == 62_000
    assert (shown["late"], [block["copies"] for block in shown["blocks"]]) == (2, [1, 1, 1])


async def test_blocks_come_alone_by_tab_and_compressed(site: Site) -> None:
    at = now()
    await site.send([meta(at), click(at + 1)], 0)
    await site.send([meta(at + 2)], 1)
    await site.send([meta(at + 3)], 0, tab="t2")
    blocks = (await site.session("s1"))["blocks"]
    assert [(block["tab"], block["first"], block["events"]) for block in blocks] == [
        ("t1", 0, 2), ("t1", 1, 1), ("t2", 0, 1),
    ]  # fmt: skip
    path = "/sessions/s1/events"
    one = await site.replay.get(path, params={"block": blocks[1]["block"]})
    assert one.json() == [meta(at + 2)]
    assert (await site.replay.get(path, params={"tab": "t2"})).json() == [meta(at + 3)]
    asked = {"accept-encoding": "gzip, zstd"}
    packed = await site.replay.send(
        site.replay.build_request("GET", path, params={"tab": "t2"}, headers=asked), stream=True
    )
    raw = b"".join([chunk async for chunk in packed.aiter_raw()])
    assert orjson.loads(zstandard.ZstdDecompressor().decompress(raw)) == [meta(at + 3)]
    assert (await site.replay.get(path, params={"block": "plain.t1.7.x"})).status_code == 404
    (site.folder / "replay" / blocks[1]["url"]).unlink()
    rest = await site.replay.get(path, params={"tab": "t1"})
    assert (len(rest.json()), rest.headers["x-airis-missing-blocks"]) == (2, "1")


async def test_the_timeline_joins_traces_and_logs(site: Site) -> None:
    party = Party(site.tenant, site.tenant, trace=TRACE)
    for signal in ("traces", "logs"):
        assert (await site.ingest.post(f"/{signal}", json=payload(signal, party))).status_code == 200
    await site.send(visit(now()), service="web")
    await site.listed()
    answer = await site.replay.get("/sessions/s1/timeline")
    assert answer.status_code == 200, answer.text
    marks: list[dict[str, Any]] = answer.json()["marks"]
    kinds = [mark["kind"] for mark in marks]
    assert kinds[:2] == ["page", "rage_click"]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "page": 1, "rage_click": 1, "console": 1, "network": 1, "error": 1, "event": 1, "dead_click": 1,
        "trace": 1, "log": 3,
    }  # fmt: skip
    event = next(mark for mark in marks if mark["kind"] == "event")
    assert (event["name"], event["attributes"]) == ("coupon refused", {"code": "7", "by": "*" * 15})
    assert (event["tab"], event["offset_ms"]) == ("t1", 2300)
    network = next(mark for mark in marks if mark["kind"] == "network")
    assert (network["failed"], network["trace_id"], network["offset_ms"]) == (True, TRACE, 2100)
    trace = next(mark for mark in marks if mark["kind"] == "trace")
    assert (trace["spans"], trace["error_spans"], trace["services"]) == (2, 2, [party.service])


async def rows(site: Site) -> list[int]:
    tables = ("airis_replay_blocks", "airis_replay_sessions", "hyperdx_sessions", "otel_logs")
    counts = [f"(SELECT count() FROM {table})" for table in tables]
    found = await site.store.query(Query(f"SELECT {', '.join(counts)}", tenant=site.tenant))
    return [int(value) for value in found.table.to_pylist()[0].values()]


async def test_a_users_sessions_are_deleted_wherever_they_are(site: Site) -> None:
    at = now()
    await site.send(visit(at), session="a", user="kim")
    await site.send_otlp(visit(at), "b", user="kim")
    await site.send([meta(at)], session="c", user="lee")
    await site.send([meta(at)], session="e", user="lee")
    await site.send([meta(at + 1)], 1, session="e", user="kim")  # logged in as another in the middle
    await site.listed()
    await site.send([meta(at)], session="d", user="kim")  # its summary is not written yet
    answer = await site.replay.delete("/sessions", params={"user": "kim"})
    assert answer.json() == {"sessions": 4, "blocks": 5}
    assert await rows(site) == [1, 1, 0, 0]
    assert len(list(site.folder.rglob("*.zst"))) == 1
    audit = await site.store.query(
        Query("SELECT Action, Target FROM airis_audit WHERE Tenant = {t:String}", {"t": site.tenant})
    )
    assert audit.table.to_pylist() == [{"Action": "replay.delete", "Target": "user kim"}]
    assert (await site.replay.delete("/sessions/c")).json() == {"sessions": 1, "blocks": 1}
    assert (await site.replay.delete("/sessions/c")).status_code == 404


async def test_old_recordings_go_with_their_blocks(site: Site) -> None:
    at = now()
    for days in (0, 2, 8):
        await site.send([meta(at - days * DAY * 1000)], session=f"d{days}")
    await site.listed()
    settings = site.settings.model_copy(
        update={"replay": site.settings.replay.model_copy(update={"tenants": f"{site.tenant}=7d"})}
    )
    objects = Objects.of(settings)
    await Sweeper(site.store, settings, objects).sweep()
    assert [row["id"] for row in await site.listed(**{"from": "now-30d"})] == ["d0", "d2"]
    assert len(list(site.folder.rglob("*.zst"))) == 2
    full = settings.model_copy(update={"disk": DiskSettings(drop_above=1e-9)})
    await Sweeper(site.store, full, objects).sweep()
    assert [row["id"] for row in await site.listed(**{"from": "now-30d"})] == ["d0"]
    later = Sweeper(site.store, settings, objects, clock=lambda: time.time() + 9 * DAY)
    await later.sweep()
    assert (await rows(site))[:2] == [0, 0]
    assert not list(site.folder.rglob("*.zst"))
    objects.close()


async def test_summaries_that_a_killed_replica_owed_are_made_up(site: Site) -> None:
    await site.send([meta(now())])
    recorder = site.intake._recordings._recorder
    recorder._fresh.clear()  # what dies with a process
    assert await site.listed() == []
    await site.store.command(
        "ALTER TABLE airis_replay_blocks UPDATE Received = Received - INTERVAL 2 MINUTE WHERE Tenant = {t:String} "
        "SETTINGS mutations_sync = 1",
        {"t": site.tenant},
    )
    await recorder.repair()
    assert [row["id"] for row in await site.listed()] == ["s1"]


async def test_blocks_in_an_object_store() -> None:
    objects = Objects("memory://airis-replay-test")
    assert objects.local is None
    for path in ("t/2026-01-01/s/a.zst", "t/2026-01-02/s/b.zst"):
        await objects.put(path, b"block")
    assert await objects.get("t/2026-01-01/s/a.zst") == b"block"
    assert await objects.days() == [("t", "2026-01-01"), ("t", "2026-01-02")]
    await objects.remove(["t/2026-01-01/s/a.zst", "t/2026-01-01/s/nothing.zst"])
    assert await objects.get("t/2026-01-01/s/a.zst") is None
    await objects.remove_day("t", "2026-01-02")
    assert await objects.get("t/2026-01-02/s/b.zst") is None
    objects.close()


async def test_an_object_store_whose_library_has_errors_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: Any, **__: Any) -> None:
        raise LookupError("could not connect to the endpoint")  # as botocore's: no OSError

    objects = Objects("memory://airis-replay-down")
    for name in ("pipe_file", "cat_file", "ls", "rm"):
        monkeypatch.setattr(MemoryFileSystem, name, unreachable)
    for call in (
        objects.put("a", b""),
        objects.get("a"),
        objects.days(),
        objects.remove_day("t", "2026-01-01"),
    ):
        with pytest.raises(Unavailable, match="the object store of recordings: LookupError"):
            await call
    objects.close()


def test_a_tenant_may_not_keep_blocks_for_longer_than_their_rows() -> None:
    with pytest.raises(ValueError, match="AIRIS_RETENTION_SESSIONS"):
        Settings.model_validate({"replay": {"tenants": "acme=60d"}})
