"""No mouse: from the sign-in to a commit that an agent made and a human approved."""

from __future__ import annotations

import re

from playwright.async_api import Locator, Page, expect

from tests.model_server.script import Reply, ToolCall
from tests.web.ide import PASSWORD, Ide
from tests.workspace.places import run

_SOON = 20_000
_WRITE = ToolCall(name="write_file", arguments={"path": "new.txt", "content": "one\ntwo\n"})
_COMMIT = ToolCall(name="git_commit", arguments={"message": "Add new.txt", "paths": ["new.txt"]})
_ON = "document.activeElement?.textContent?.trim() ?? ''"


async def tab_to(page: Page, name: str) -> None:
    """Press the tab key until the control with this name has the focus."""
    for _ in range(40):
        if await page.evaluate(_ON) == name:
            return
        await page.keyboard.press("Tab")
    raise AssertionError(f"the tab key does not lead to {name}")


async def test_from_the_sign_in_to_an_approved_commit(ide: Ide) -> None:
    await ide.script(
        Reply(tool_calls=[_WRITE]), Reply(tool_calls=[_COMMIT]), Reply(text="All is done.")
    )
    page = await ide.visit(f"/w/{ide.workspace_id}")
    await expect(page.get_by_label("User name")).to_be_focused()
    await page.keyboard.type(ide.user.name)
    await page.keyboard.press("Tab")
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")
    box = page.get_by_role("combobox", name="Message to the agents")
    await expect(box).to_be_visible()

    await page.keyboard.press("Control+i")
    await expect(box).to_be_focused()
    await page.keyboard.type("@coder Add a file and commit it")
    await page.keyboard.press("Enter")
    card = page.locator("[data-approval]")
    approve = card.get_by_role("button", name="Approve", exact=True)
    await expect(card).to_contain_text("write_file", timeout=_SOON)
    # One is decided by a letter, the other one by its button.
    await page.keyboard.press("Alt+a")
    await expect(card).to_be_focused()
    await expect(approve).to_be_enabled()
    await page.keyboard.press("y")
    await expect(card).to_contain_text("git_commit", timeout=_SOON)
    await page.keyboard.press("Alt+a")
    await expect(card).to_be_focused()
    await expect(approve).to_be_enabled()
    await tab_to(page, "Approve")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("All is done.", exact=True)).to_be_visible(timeout=_SOON)
    await expect(card).to_have_count(0)
    assert run("git", "log", "-1", "--format=%s", cwd=ide.project).stdout == "Add new.txt\n"
    assert run("git", "show", "HEAD:new.txt", cwd=ide.project).stdout == "one\ntwo\n"


async def test_an_input_method_has_its_keys_to_itself(ide: Ide) -> None:
    await ide.script(Reply(text="All is done."))
    page = await ide.open()
    session = await page.context.new_cdp_session(page)

    async def compose(field: Locator, key: str) -> None:
        """Begin a word in a field, and press a key that belongs to the list of its candidates."""
        await expect(field).to_be_focused()
        text = {"text": "にほん", "selectionStart": 3, "selectionEnd": 3}
        await session.send("Input.imeSetComposition", text)
        await page.keyboard.press(key)

    # In the tree: neither key ends the renaming; what follows the word does.
    await page.get_by_role("treeitem", name="shop").click()
    await page.keyboard.press("F2")
    name = page.get_by_role("textbox", name="New name of shop")
    for key in ("Escape", "Enter"):
        await compose(name, key)
        await expect(name).to_be_focused()
    await session.send("Input.insertText", {"text": "日本"})
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("treeitem", name="日本")).to_be_visible()

    # In a list to choose from: the arrows are the candidates'.
    await page.keyboard.press("F1")
    found = page.get_by_role("combobox", name="Commands")
    await page.keyboard.type("t")
    first = await found.get_attribute("aria-activedescendant")
    await compose(found, "ArrowDown")
    await session.send("Input.insertText", {"text": ""})
    await expect(found).to_have_attribute("aria-activedescendant", first or "")
    await compose(found, "Enter")
    await expect(found).to_be_focused()
    await session.send("Input.insertText", {"text": ""})
    await page.keyboard.press("Escape")

    # In a message.
    await page.keyboard.press("Control+i")
    box = page.get_by_role("combobox", name="Message to the agents")
    await compose(box, "Enter")
    await expect(box).to_have_value(re.compile("^にほん"))
    await box.fill("日本")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("article").filter(has_text="日本")).to_be_visible()
    await expect(page.get_by_text("All is done.").first).to_be_visible(timeout=_SOON)
