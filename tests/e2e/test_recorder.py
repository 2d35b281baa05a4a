"""A visit in a real browser, recorded, sent, kept, read back and replayed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.conftest import Airis
from tests.e2e.shop import SEEN, Shop
from tests.support.loopback import served

_SECRETS = (
    "홍길동",
    "my-password",
    "hidden-secret",
    "masked-secret",
    "blocked-secret",
    "secret-token",
)


async def visit(page: Any, address: str) -> None:
    """Two shirts into the cart, a payment that fails, an error, and on to the next page of the shop."""
    await page.goto(address)
    await page.fill("#name", "홍길동")
    await page.type("#password", "my-password")
    await page.click("#add")
    await page.click("#add")
    async with page.expect_console_message(lambda said: said.text.startswith("payment declined")):
        await page.click("#pay")
    async with page.expect_event("pageerror"):
        await page.click("#break")
    await page.click("#next")
    await page.wait_for_url("**/done")
    await page.wait_for_function("window.airis.sessionId && document.readyState === 'complete'")


async def stop(page: Any) -> tuple[str, list[dict[str, Any]]]:
    """End the recording: the session, and every event that the page recorded."""
    session = await page.evaluate("window.airis.sessionId")
    await page.evaluate("window.airis.stop()")
    return session, await page.evaluate(SEEN)


async def test_a_visit_comes_back_event_for_event(airis: Airis, page: Any) -> None:
    shop = Shop(airis.url, airis.key)
    async with served(shop.app()) as address:
        await visit(page, address)
        session, seen = await stop(page)
        told = await airis.arrived(session, len(seen))
        events = await airis.events(session)
        assert events == seen
        await _replays(page, address, events)

    text = json.dumps(events, ensure_ascii=False)
    assert [secret for secret in _SECRETS if secret in text] == []
    assert {key: told[key] for key in ("tabs", "gaps", "duplicates", "events", "service", "release")} == {
        "tabs": 1,
        "gaps": 0,
        "duplicates": 0,
        "events": len(seen),
        "service": "shop-web",
        "release": "1.4.2",
    }
    (listed,) = await airis.sessions()
    assert listed["id"] == session
    assert (listed["errors"], listed["console_errors"], listed["pages"]) == (1, 1, 2)
    await _tells_the_trace(airis, session, shop)


async def _replays(page: Any, address: str, events: list[dict[str, Any]]) -> None:
    """rrweb's own player shows both pages from what came back."""
    await page.goto(f"{address}/replay")
    cart, done = await page.evaluate(
        """(events) => {
          const root = document.getElementById("player");
          const player = new rrwebReplay.Replayer(events, {root, showWarning: false, mouseTail: false});
          const show = (at) => {
            player.pause(at - events[0].timestamp);
            return player.iframe.contentDocument.body.innerText;
          };
          const pages = events.filter((event) => event.type === 4);
          return [show(pages[1].timestamp - 1), show(events.at(-1).timestamp)];
        }""",
        events,
    )
    assert "장바구니" in cart
    assert "셔츠 1" in cart
    assert "셔츠 2" in cart
    assert "감사합니다" in done
    assert "셔츠" not in done


async def _tells_the_trace(airis: Airis, session: str, shop: Shop) -> None:
    (header,) = shop.traces
    answer = await airis.reader.get(f"/api/replay/sessions/{session}/timeline")
    assert answer.status_code == 200, answer.text
    assert header.split("-")[1] in answer.text
    assert "payment declined: 502" in answer.text
    assert "/pay?token=***" in answer.text


async def test_what_a_page_cannot_send_when_it_goes_is_sent_by_the_next(airis: Airis, page: Any) -> None:
    async with served(Shop(airis.url, airis.key).app()) as address:
        await page.goto(address)
        await page.wait_for_function("window.airis.sessionId")
        # Far more than the 64 KiB that browsers send for a page that is gone.
        await page.evaluate("for (let item = 0; item < 1500; item += 1) add()")
        await page.click("#next")
        await page.wait_for_url("**/done")
        await page.wait_for_function("window.airis.sessionId")
        await page.go_back()
        await page.wait_for_function("window.airis.sessionId")
        await page.click("#add")
        session, seen = await stop(page)
        told = await airis.arrived(session, len(seen))
        assert await airis.events(session) == seen
    assert "셔츠 1500" in json.dumps(seen, ensure_ascii=False)
    assert (told["gaps"], told["pages"], told["tabs"]) == (0, 3, 1)


async def test_the_last_minute_is_sent_once_an_error_comes(airis: Airis, page: Any) -> None:
    shop = Shop(airis.url, airis.key, 'data-sample="0" data-on-error="1"')
    async with served(shop.app()) as address:
        await page.goto(address)
        await page.click("#add")
        await page.wait_for_function("document.querySelector('#cart li')")
        assert await page.evaluate("window.airis.sessionId") is None
        assert await airis.sessions() == []
        await page.click("#break")
        await page.wait_for_function("window.airis.sessionId")
        session, seen = await stop(page)
        told = await airis.arrived(session, len(seen))
        assert await airis.events(session) == seen
    assert told["blocks"][0]["reason"] == "error"
    assert seen[0]["type"] in (0, 4)
    assert "셔츠 1" in json.dumps(seen, ensure_ascii=False)


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ('data-sample="often"', 'data-sample must be a number from 0 to 1, not "often"'),
        ('data-endpoint="shop"', "data-endpoint must be the address of AIRIS-Ray"),
    ],
)
async def test_a_wrong_attribute_is_one_line_in_the_console(
    airis: Airis, page: Any, attributes: str, said: str
) -> None:
    async with served(Shop(airis.url, airis.key, attributes).app()) as address:
        async with page.expect_console_message(lambda line: said in line.text):
            await page.goto(address)
        await page.click("#add")
        assert await page.inner_text("#cart") == "셔츠 1"
        assert await page.evaluate("typeof window.airis") == "undefined"
