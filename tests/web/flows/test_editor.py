"""Files in the editor: opened, changed, saved, changed by others, looked at."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from tests.web.ide import PHONE, WIDE, Ide, Language, Look, Theme

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c49444154789c63f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)
USUAL = Look()
HOSTILE = """# Title

<script>document.title = 'taken'</script> <img src=x onerror="document.title = 'taken'">

[click](javascript:alert(1)) ![remote](https://evil.example/x.png) ![ours](img/dot.png)
![out](../../outside.png)

a\u202eb
"""


async def opened(ide: Ide, *paths: str, look: Look = USUAL) -> Page:
    """Open the interface with files in tabs, as if they had been open before; the last in front."""
    page = await ide.open("/workspaces", look=look)
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    me = (await ide.user.client.call("GET", "auth/me"))["id"]
    all_tabs = [
        {"id": f"file:{path}", "kind": "file", "title": Path(path).name, "path": path}
        for path in paths
    ]
    stored = json.dumps({"all": all_tabs, "activeId": all_tabs[-1]["id"]})
    key = f"codelab.tabs/{me}/{ide.workspace_id}"
    await page.evaluate("([key, value]) => localStorage.setItem(key, value)", [key, stored])
    await page.goto(f"{ide.server.url}/w/{ide.workspace_id}")
    if look.size[0] < 900:
        await page.get_by_role("button", name="Editor").click()
    return page


def editor(page: Page, name: str) -> Locator:
    """The text of a file."""
    return page.get_by_role("textbox", name=name, exact=True)


def put(ide: Ide, path: str, content: str | bytes) -> Path:
    """Write a file of the project, as another program would."""
    target = ide.project / path
    target.parent.mkdir(parents=True, exist_ok=True)
    data = content.encode() if isinstance(content, str) else content
    target.write_bytes(data)
    return target


async def test_a_file_is_changed_and_saved_by_the_keyboard_alone(ide: Ide) -> None:
    file = put(ide, "notes.txt", "one\r\ntwo\r\n")
    file.chmod(0o640)
    page = await opened(ide, "notes.txt")
    text = editor(page, "notes.txt")
    await expect(text).to_be_focused()
    tab = page.get_by_role("tab", name="notes.txt")
    status = page.get_by_role("contentinfo", name="Status")
    await expect(status).to_contain_text("CRLF")
    await expect(status).to_contain_text("UTF-8")

    await page.keyboard.press("Control+End")
    await page.keyboard.type("three")
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    await page.keyboard.type("four")
    await expect(status).to_contain_text("Line 4, column 7")
    await expect(tab).to_have_accessible_name("notes.txt not saved")
    await page.keyboard.press("Control+s")
    await expect(tab).to_have_accessible_name("notes.txt")
    assert file.read_bytes() == b"one\r\ntwo\r\nthree\r\n  four"
    assert file.stat().st_mode & 0o777 == 0o640

    # Nobody is held in it: Escape and Tab, or F6, lead on.
    await page.keyboard.press("Escape")
    await page.keyboard.press("Tab")
    await expect(text).not_to_be_focused()
    await page.keyboard.press("Shift+Tab")
    await expect(text).to_be_focused()
    await page.keyboard.press("F6")
    await expect(text).not_to_be_focused()
    await page.keyboard.press("Shift+F6")
    await expect(text).to_be_focused()
    await page.keyboard.press("Alt+g")
    await page.keyboard.type("2")
    await page.keyboard.press("Enter")
    await expect(status).to_contain_text("Line 2, column 1")
    assert file.read_bytes().startswith(b"one\r\ntwo")

    # What is selected can be asked about; that leads to the assistant.
    ask = page.get_by_role("button", name="Ask about the selection")
    await expect(ask).to_have_count(0)
    await page.keyboard.press("Shift+End")
    await expect(ask).to_be_visible()
    await expect(status).to_contain_text("3 characters selected")
    await page.keyboard.press("Control+i")
    await expect(page.locator("[data-region=assistant]:focus-within")).to_have_count(1)


async def test_unsaved_text_outlives_a_reload_and_is_not_closed_by_mistake(ide: Ide) -> None:
    file = put(ide, "notes.txt", "saved")
    page = await opened(ide, "notes.txt")
    await editor(page, "notes.txt").press_sequentially("not yet ")
    page.on("dialog", lambda dialog: dialog.accept())
    await page.reload()
    await expect(editor(page, "notes.txt")).to_have_text("not yet saved")
    await expect(page.get_by_text("Text that was not saved has been restored.")).to_be_visible()

    tab = page.get_by_role("tab", name="notes.txt")
    closing = page.get_by_role("dialog", name="Save the changes to notes.txt?")
    await tab.click(button="middle")
    await expect(closing).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(editor(page, "notes.txt")).to_have_text("not yet saved")
    await page.get_by_title("Close notes.txt").click()
    await closing.get_by_role("button", name="Don\u2019t save").click()
    await expect(tab).to_have_count(0)
    assert file.read_text("utf-8") == "saved"
    await page.reload()
    await expect(page.get_by_text("Nothing is open.")).to_be_visible()


async def test_what_others_change_is_shown_unless_something_is_unsaved(ide: Ide) -> None:
    file = put(ide, "shared.txt", "base\n")
    ide.expect("status of 412", "status of 404")
    page = await opened(ide, "shared.txt")
    text = editor(page, "shared.txt")
    await expect(text).to_contain_text("base")
    file.write_text("changed outside\n", "utf-8")
    await expect(text).to_contain_text("changed outside")
    conflict = page.get_by_role("alert").filter(has_text="changed by somebody else")
    await expect(conflict).to_have_count(0)

    # Keep mine.
    await text.press("Control+Home")
    await text.press_sequentially("mine ")
    file.write_text("theirs\n", "utf-8")
    await conflict.get_by_role("button", name="Keep mine").click()
    await expect(conflict).to_have_count(0)
    await expect(page.get_by_role("tab", name="shared.txt")).to_have_accessible_name("shared.txt")
    assert file.read_text("utf-8") == "mine changed outside\n"

    # Take theirs; a conflict is found by saving as well.
    await text.press_sequentially("more ")
    file.write_text("theirs again\n", "utf-8")
    await text.press("Control+s")
    await conflict.get_by_role("button", name="Take theirs").click()
    await expect(text).to_contain_text("theirs again")
    await expect(text).not_to_contain_text("more")

    # Merge.
    await text.press("Control+End")
    await text.press_sequentially("my line")
    file.write_text("their line\ntheirs again\n", "utf-8")
    await conflict.get_by_role("button", name="Merge side by side").click()
    await expect(editor(page, "shared.txt, before")).to_contain_text("their line")
    await expect(editor(page, "shared.txt, after")).to_contain_text("my line")
    await ide.check_accessibility(page)
    await page.get_by_role("button", name="Take this piece").first.click()
    await page.get_by_role("button", name="Save the merged text").click()
    await expect(page.get_by_role("tab", name="shared.txt")).to_have_accessible_name("shared.txt")
    assert file.read_text("utf-8") == "their line\ntheirs again\nmy line"

    # Deleted underneath: nothing is lost.
    file.unlink()
    await page.get_by_text("This file was deleted.").wait_for()
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.get_by_text("This file was deleted.")).to_have_count(0)
    await expect(page.get_by_role("tab", name="shared.txt")).to_have_accessible_name("shared.txt")
    assert file.read_text("utf-8").endswith("my line")


async def test_hostile_markdown_is_shown_and_does_nothing(ide: Ide) -> None:
    put(ide, "docs/page.md", HOSTILE)
    put(ide, "docs/img/dot.png", PIXEL)
    page = await opened(ide, "docs/page.md")
    await expect(editor(page, "docs/page.md")).to_contain_text("U+202E")
    await page.get_by_role("button", name="Preview").click()
    preview = page.get_by_role("article")
    await expect(preview.get_by_role("heading", name="Title")).to_be_visible()
    await expect(preview).to_contain_text("<script>")
    await expect(preview).to_contain_text("U+202E")
    ours = preview.get_by_role("img", name="ours")
    await expect(ours).to_have_js_property("naturalWidth", 1)
    await expect(preview.get_by_role("img")).to_have_count(1)
    await expect(preview.get_by_role("link")).to_have_count(0)
    assert await page.title() != "taken"
    await ide.check_accessibility(page)


async def test_what_is_no_text_is_shown_as_what_it_is(ide: Ide) -> None:
    put(ide, "dot.png", PIXEL)
    put(ide, "data.bin", b"\0\1\2")
    put(ide, "huge.log", b"x" * 10_000_001)
    ide.expect("status of 415", "status of 413")
    page = await opened(ide, "data.bin", "huge.log", "dot.png")
    await expect(page.get_by_role("img", name="dot.png")).to_have_js_property("naturalWidth", 1)
    await expect(page.get_by_text(re.compile("dot.png, 1 . 1, "))).to_be_visible()
    await page.get_by_role("tab", name="data.bin").click()
    await expect(page.get_by_text("This file is not text")).to_be_visible()
    await page.get_by_role("tab", name="huge.log").click()
    await expect(page.get_by_text("larger than 10 MB")).to_be_visible()


async def test_a_large_file_opens_and_takes_keys_at_once(ide: Ide) -> None:
    line = "2026-11-27 12:00:00 INFO something happened that is worth a line of a log\n"
    file = put(ide, "large.log", line * (9_900_000 // len(line)))
    page = await opened(ide, "large.log")
    text = editor(page, "large.log")
    await expect(text).to_contain_text("something happened")
    await expect(page.get_by_text("Large file: highlighting and checks are off.")).to_be_visible()
    await text.press("Control+End")
    await text.press_sequentially("the end")
    await text.press("Control+s")
    await expect(page.get_by_role("tab", name="large.log")).to_have_accessible_name("large.log")
    assert file.read_bytes().endswith(b"line of a log\nthe end")


async def test_problems_are_listed_marked_and_jumped_to(ide: Ide) -> None:
    put(ide, "bad.py", "x = 1\nif x\n    y = 2\n")
    page = await opened(ide, "bad.py")
    text = editor(page, "bad.py")
    await expect(page.locator(".cm-lint-marker-error")).to_have_count(1)
    await text.press("Control+K")
    await text.press("p")
    pane = page.get_by_role("region", name="Problems")
    problem = pane.get_by_role("button", name="expected ':'")
    await ide.check_accessibility(page)
    await problem.press("Enter")
    await expect(text).to_be_focused()
    await expect(page.get_by_role("contentinfo", name="Status")).to_contain_text("Line 2, column 5")
    await text.press_sequentially(":")
    await expect(pane).to_contain_text("No problems in the open files.")
    await expect(page.locator(".cm-lint-marker-error")).to_have_count(0)


@pytest.mark.parametrize(
    ("theme", "language", "size"), [("dark", "ru", WIDE), ("light", "en", PHONE)]
)
async def test_everybody_can_use_the_editor(
    ide: Ide, theme: Theme, language: Language, size: tuple[int, int]
) -> None:
    code = 'import os\n\n\nclass Shop:\n    """It sells."""\n\n    def f(self) -> str:\n'
    put(ide, "shop.py", code + "        return f'{os.sep}' + str(1.5)  # why\n")
    page = await opened(ide, "shop.py", look=Look(size, theme, language))
    text = editor(page, "shop.py")
    await expect(page.locator(".cm-line span[class]").first).to_be_visible()
    if size == WIDE:
        spaces = "4 пробела" if language == "ru" else "4 spaces"
        await expect(page.get_by_role("contentinfo")).to_contain_text(spaces)
    await ide.check_accessibility(page)
    await text.press("Control+f")
    find = "Найти" if language == "ru" else "Find"
    await expect(page.get_by_role("textbox", name=find)).to_be_focused()
    await page.keyboard.type("shop")
    await ide.check_accessibility(page)
    await page.keyboard.press("Escape")
    await expect(text).to_be_focused()
