"""The assistant: an answer streams, tools run, messages wait, and hostile text stays text."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import time

from playwright.async_api import Page, Request, expect

from tests.model_server.script import Reply, ToolCall
from tests.web.conftest import OwnIde
from tests.web.ide import PHONE, Ide, Look

_HOSTILE = """\
<script>document.title = 'taken'</script> <img src="https://evil.example/a.png" onerror="alert(1)">

![the logo](https://evil.example/logo.png?leak=secret)

[https://bank.example](https://evil.example/) and [click](javascript:alert(1))

Turned \u202e around and \x1b[31mred\x1b[0m.

| a | b |
|:-:|--:|
| 1 | 2 |

```html
<script>alert(2)</script>
```
"""


async def _say(page: Page, text: str, key: str = "Enter") -> None:
    field = page.get_by_role("combobox", name="Message to the agents")
    await field.fill(text)
    await field.press(key)


async def test_an_answer_streams_with_its_agent_its_tools_and_what_it_cost(ide: Ide) -> None:
    await ide.script(
        Reply(
            text="I read `shop/basket.py` first.",
            reasoning="The shop may have a file for that.",
            tool_calls=[
                ToolCall(name="read_file", arguments={"path": "README.md"}),
                ToolCall(name="read_file", arguments={"path": "missing.txt"}),
            ],
        ),
        Reply(text="# It is a shop\n\nSee:\n\n```python\nprint('hello')\n```\n\nThat is **all**."),
    )
    page = await ide.open()
    # An empty session says who is there, and its examples can be taken over.
    await expect(page.get_by_role("button", name=re.compile("^architect"))).to_be_visible()
    await page.get_by_role("button", name="@ask What does this project do?").click()
    field = page.get_by_role("combobox", name="Message to the agents")
    await expect(field).to_have_value("@ask What does this project do?")
    limits: list[Request] = []
    page.on("request", lambda asked: limits.append(asked) if "/limits" in asked.url else None)
    await field.press("Enter")

    await expect(page.get_by_text("That is all.")).to_be_visible()
    await page.wait_for_url(re.compile(r"/w/[^/]+/s/[^/]+$"))
    await expect(page.get_by_text("ask took over: You addressed @ask.")).to_be_visible()
    await expect(page.get_by_role("heading", name="It is a shop")).to_be_visible()
    # The code is coloured once its fence has closed.
    await expect(page.locator(".tok-string")).to_have_text("'hello'")
    await expect(page.get_by_text("The shop may have")).to_have_count(0)
    await page.get_by_role("button", name="Reasoning").click()
    await expect(page.get_by_text("The shop may have a file for that.")).to_be_visible()

    failed = page.get_by_role("button", name=re.compile("Read missing.txt .*failed"))
    await expect(failed).to_be_visible()
    done = page.get_by_role("button", name=re.compile("Read README.md .*done"))
    await done.click()
    await expect(page.get_by_role("region", name="Output")).to_contain_text("shop")
    await expect(page.get_by_text("· 30 tokens ·")).to_be_visible()
    # When the session is shown, when a turn begins, and when it ends: not with each of its steps.
    assert len(limits) <= 3
    await expect(page.get_by_role("heading", name="@ask What does")).to_be_visible()
    await ide.check_accessibility(page)

    good = page.get_by_role("button", name="Good answer").last
    await good.click()
    await page.get_by_label("What was good or bad about it?").fill("Short")
    await page.get_by_role("button", name="Send", exact=True).first.click()
    await expect(page.get_by_text("Noted, thank you.")).to_be_visible()
    session = page.url.rpartition("/")[2]
    history = await ide.user.client.call("GET", f"sessions/{session}/history")
    assert [item["rating"] for item in history["items"] if item.get("rating")] == ["up"]

    await page.get_by_role("button", name="Reasoning").click()
    await done.click()

    # What comes again after a reload is what was there.
    messages = page.get_by_role("region", name="Messages")
    before = await messages.inner_text()
    await page.reload()
    await expect(page.get_by_text("That is all.")).to_be_visible()
    await expect(messages).to_have_text(before, use_inner_text=True)
    await expect(good).to_have_attribute("aria-pressed", "true")


async def test_messages_wait_for_the_turn_and_it_can_be_stopped_and_asked_again(ide: Ide) -> None:
    slow = Reply(text=["Slowly "] + ["on "] * 400, token_delay_s=0.05)
    await ide.script(slow, Reply(text="Second answer."), slow, Reply(text="Fourth answer."))
    page, other = await ide.open(), await ide.open()
    await _say(page, "@ask First")
    await expect(page.get_by_text("Slowly on on")).to_be_visible()
    await other.goto(page.url)
    await expect(other.get_by_text("Slowly on on")).to_be_visible()

    await _say(page, "Second")
    await _say(page, "Third")
    waiting = page.get_by_role("list", name="Queued")
    await expect(waiting.get_by_role("listitem")).to_have_count(2)
    await waiting.get_by_role("listitem").nth(1).get_by_role("button", name="Remove").click()
    await expect(waiting.get_by_role("listitem")).to_have_count(1)
    await page.keyboard.press("Control+.")
    # The partial text stays, the queued message goes; both browsers see the same.
    for one in (page, other):
        await expect(one.get_by_text("Stopped here")).to_be_visible()
        await expect(one.get_by_text("Second answer.", exact=True)).to_be_visible()
    await expect(waiting).to_have_count(0)

    await _say(page, "@ask Again slowly")
    slow_ones = page.get_by_role("article", name="ask").filter(has_text="Slowly on on")
    await expect(slow_ones).to_have_count(2)
    await _say(page, "@ask At once", "Control+Enter")
    await expect(page.get_by_text("Fourth answer.", exact=True)).to_be_visible()

    # A message is edited: what followed is hidden from models, and the answer is a new one.
    await ide.script(Reply(text="Edited answer."))
    message = page.get_by_role("article").filter(has_text="At once")
    await message.hover()
    await message.get_by_role("button", name="Edit and send again").click()
    await page.get_by_role("textbox", name="Message", exact=True).fill("@ask Edited")
    await page.get_by_role("button", name="Send again", exact=True).click()
    await expect(page.get_by_text("Edited answer.", exact=True)).to_be_visible()
    seen = str((await ide.asked())[0].body["messages"])
    assert "Edited" in seen and "At once" not in seen


async def test_hostile_markdown_is_only_text(ide: Ide) -> None:
    await ide.script(Reply(text=_HOSTILE + "\nThe end."))
    page = await ide.open(look=Look(size=PHONE))
    await _say(page, "@ask Be hostile")
    await expect(page.get_by_text("The end.")).to_be_visible()
    messages = page.get_by_role("region", name="Messages")
    await expect(messages).to_contain_text("<script>document.title")
    await expect(messages).to_contain_text("the logo https://evil.example/logo.png?leak=secret")
    await expect(messages).to_contain_text("https://bank.example (evil.example)")
    await expect(messages).to_contain_text("[click](javascript:alert(1))")
    await expect(messages).to_contain_text("Turned ⟨U+202E⟩ around and ⟨U+001B⟩[31mred")
    assert await page.locator("article img, article script, article [style*=align]").count() == 0
    assert "taken" not in await page.title()
    await ide.check_accessibility(page)


async def test_a_draft_is_kept_and_an_answer_goes_on_after_the_servers_restart(
    own_ide: OwnIde,
) -> None:
    ide = await own_ide()
    await ide.set_up()
    ide.expect("WebSocket", "Failed to load resource", "ERR_")
    await ide.script(
        Reply(text=["Before "] + ["and "] * 100, stall_after=20, ping_s=0.2, repeat=True)
    )
    page = await ide.open()
    await _say(page, "@ask Go")
    await expect(page.get_by_text(re.compile("Before and"))).to_be_visible()
    field = page.get_by_role("combobox", name="Message to the agents")
    await field.fill("Half a thou")
    os.kill(ide.server.pid, signal.SIGTERM)
    await expect(page.get_by_text("What you type is kept.")).to_be_visible(timeout=15_000)
    # A second wish ends it at once: the answer is not waited for.
    await asyncio.to_thread(ide.server.stop, signal.SIGINT)
    await field.press_sequentially("ght")
    await ide.script(Reply(text="After the restart.", repeat=True))
    await ide.server.start()
    await page.get_by_role("button", name="Try now").click()
    await expect(page.get_by_text("After the restart.", exact=True)).to_be_visible(timeout=20_000)
    await expect(field).to_have_value("Half a thought")
    await page.reload()
    await expect(field).to_have_value("Half a thought")
    await expect(page.get_by_text("After the restart.", exact=True)).to_have_count(1)


async def test_what_was_read_for_a_message_unfolds_and_opens_at_its_lines(own_ide: OwnIde) -> None:
    ide = await own_ide(CODELAB_INDEX_ENGINE="fts5")
    cart = ide.project / "shop" / "cart.py"
    total = cart.read_text()
    cart.write_text("".join(f"SHELF_{n} = {n}\n" for n in range(100)) + f"\n\n{total}")
    (ide.project / "shop" / "<img src=x> cart.py").write_text(f"{total}# All.\n")
    await ide.set_up()
    await _indexed(ide)
    await ide.script(Reply(text="In the cart.", repeat=True))
    page = await ide.open()
    await _say(page, "@ask Where does the cart bring the total of all prices into one result?")
    await expect(page.get_by_text("In the cart.", exact=True)).to_be_visible()
    read = page.get_by_role("button", name=re.compile("^Read [2-4] files$"))
    await expect(read).to_have_attribute("aria-expanded", "false")
    await read.click()
    hostile = page.get_by_role("button", name="of shop/<img src=x> cart.py")
    await expect(hostile).to_be_visible()
    await ide.check_accessibility(page)
    piece = page.get_by_role("button", name="of shop/cart.py")
    (first, *_) = map(int, re.findall(r"\d+", await piece.inner_text()))
    await piece.click()
    await expect(page.get_by_role("tab", name="cart.py")).to_be_visible()
    # Far below what an editor shows of it at first.
    assert first > 60
    line = page.locator(".cm-line", has_text=re.compile(rf"^SHELF_{first - 1} = "))
    await expect(line).to_be_in_viewport()


async def _indexed(ide: Ide) -> None:
    deadline = time.monotonic() + 20
    place = f"workspaces/{ide.workspace_id}/index"
    while (status := await ide.user.client.call("GET", place))["state"] != "ready":
        assert time.monotonic() < deadline, status
        await asyncio.sleep(0.05)
