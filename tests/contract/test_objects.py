"""What blocks need of an object store: of a folder of this machine and of S3 alike."""

from __future__ import annotations

import pytest

from airis_ray.errors import Unavailable
from airis_ray.replay.objects import Objects
from tests.support.s3_server import BUCKET

ODD = "a%2Fb%20%C3%A9"
"""A tenant as paths quote it."""


async def test_blocks_are_kept_listed_and_removed(blocks_url: str) -> None:
    objects = Objects(blocks_url)
    assert (objects.local is None) == blocks_url.startswith("s3:")
    assert await objects.days() == []
    kept = {
        f"{tenant}/{day}/s.1:x/plain.t.{number}.{'d' * 32}.zst": f"{tenant} {day} {number}".encode() * 1000
        for tenant in ("a", "ab", ODD)
        for day in ("2026-01-01", "2026-01-02")
        for number in range(3)
    }
    for path, data in kept.items():
        await objects.put(path, data)
    (first, data), *_ = kept.items()
    await objects.put(first, data)  # as a chunk that comes again does
    for path, data in kept.items():
        assert await objects.get(path) == data
    days = [(tenant, day) for tenant in sorted(("a", "ab", ODD)) for day in ("2026-01-01", "2026-01-02")]
    assert sorted(await objects.days()) == sorted(days)

    gone = [path for path in kept if path.startswith("a/2026-01-01/")]
    await objects.remove([*gone, "a/2026-01-01/s/never.zst"])
    await objects.remove_day("a", "2026-01-02")
    await objects.remove_day("a", "2026-01-03")
    left = {path for path in kept if await objects.get(path) is not None}
    assert left == {path for path in kept if not path.startswith("a/")}
    assert {tenant for tenant, day in await objects.days() if day == "2026-01-02"} == {"ab", ODD}
    objects.close()


async def test_another_process_sees_what_is_written(blocks_url: str) -> None:
    one, two = Objects(blocks_url), Objects(blocks_url)
    assert await two.days() == []
    await one.put("t/2026-01-01/s/a.zst", b"block")
    assert await two.days() == [("t", "2026-01-01")]
    await two.remove_day("t", "2026-01-01")
    assert await one.get("t/2026-01-01/s/a.zst") is None
    one.close()
    two.close()


async def test_a_bucket_that_is_not_there_keeps_nothing(blocks_url: str) -> None:
    if not blocks_url.startswith("s3:"):
        pytest.skip("a folder is made where it is missing")
    objects = Objects(blocks_url.replace(BUCKET, "airis-no-such-bucket"))
    with pytest.raises(Unavailable, match="the object store of recordings"):
        await objects.put("t/2026-01-01/s/a.zst", b"block")
    objects.close()
