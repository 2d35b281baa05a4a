"""Recordings over the embedded server: its front takes what summaries, lists and deletions are made of."""

from __future__ import annotations

from pathlib import Path

from airis_ray.replay.objects import Objects
from airis_ray.replay.sweeping import Sweeper
from airis_ray.settings import RetentionSettings, Settings
from airis_ray.store import Query
from airis_ray.store.client import ClickHouseStore
from airis_ray.store.migrate import migrate
from tests.support.embedded_store import EmbeddedProcess
from tests.unit.replay.events import meta
from tests.unit.replay.site import Site, now, visit


async def test_a_session_comes_is_found_and_goes(
    process: EmbeddedProcess, tenant: str, tmp_path: Path, blocks_url: str
) -> None:
    store = await ClickHouseStore.connect(f"http://127.0.0.1:{process.port}", password=process.key)
    keep = RetentionSettings(logs=0, traces=0, metrics=0, sessions=0)
    await migrate(store, settings=Settings(retention=keep))
    site = Site(store, tenant, tmp_path, url=blocks_url)
    await site.send(visit(now()), user="kim")
    await site.send_otlp(visit(now()), "s2", user="kim")
    await site.send([meta(now() - 3 * 86_400_000)], session="old", user="lee")
    await site.intake._recordings._recorder.repair()
    found = await site.listed(query="rage_clicks:>0 user:kim", **{"from": "now-1h"})
    assert sorted(row["id"] for row in found) == ["s1", "s2"]
    assert await site.events("s1")
    objects = Objects.of(site.settings)
    assert len(await objects.days()) == 2
    blocks = [
        block["url"] for session in ("s1", "s2", "old") for block in (await site.session(session))["blocks"]
    ]
    assert (await site.replay.get("/sessions/s1/timeline")).status_code == 200
    assert (await site.replay.delete("/sessions", params={"user": "kim"})).json()["sessions"] == 2
    settings = site.settings.model_copy(
        update={"replay": site.settings.replay.model_copy(update={"tenants": f"{tenant}=1d"})}
    )
    await Sweeper(store, settings, objects).sweep()
    assert [await objects.get(block) for block in blocks] == [None] * len(blocks)
    objects.close()
    for table in ("airis_replay_blocks", "airis_replay_sessions", "hyperdx_sessions", "otel_logs"):
        left = await store.query(Query(f"SELECT count() AS n FROM {table}", tenant=tenant))
        assert left.table["n"].to_pylist() == [0], table
    await site.close()
    await store.close()
