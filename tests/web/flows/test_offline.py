"""A server that is away for a while: nothing that was typed or asked is lost."""

from __future__ import annotations

import asyncio
import time

from playwright.async_api import expect

from tests.model_server.script import Reply
from tests.web.conftest import OwnIde
from tests.web.flows.test_approvals import WRITE, asked, card_in, over

_SILENT_S = 3.0


async def test_typing_and_deciding_go_on_when_the_server_is_back(own_ide: OwnIde) -> None:
    ide = await own_ide()
    await ide.set_up()
    ide.expect("WebSocket", "Failed to load resource", "ERR_")
    page = await asked(ide, WRITE)
    card, banner = card_in(page), page.get_by_text("What you type is kept.")
    approve = card.get_by_role("button", name="Approve", exact=True)
    status = page.get_by_role("contentinfo", name="Status")
    field = page.get_by_role("combobox", name="Message to the agents")
    await field.fill("Half a thou")
    await expect(approve).to_be_enabled()

    stopping = asyncio.create_task(asyncio.to_thread(ide.server.stop))
    await expect(status).not_to_contain_text("Connected", timeout=15_000)
    lost = time.monotonic()
    # Decisions wait at once, the banner only for what lasts.
    await expect(approve).to_be_disabled()
    await field.press_sequentially("ght")
    await expect(banner).to_be_visible()
    assert time.monotonic() - lost > _SILENT_S - 1
    await expect(page.get_by_text("Next try in")).to_be_visible()
    await stopping
    await expect(card).to_contain_text("decisions wait for the connection")
    await expect(field).to_have_value("Half a thought")
    await ide.check_accessibility(page)

    await ide.script(Reply(text="All is done."))
    await ide.server.start()
    await page.get_by_role("button", name="Try now").click()
    await expect(banner).to_have_count(0)
    await expect(approve).to_be_enabled(timeout=15_000)
    await expect(field).to_have_value("Half a thought")
    await approve.click()
    await over(page)
    assert (ide.project / "new.txt").read_text() == "one\ntwo\n"
    await field.press("Enter")
    await expect(page.get_by_role("article").filter(has_text="Half a thought")).to_be_visible()
