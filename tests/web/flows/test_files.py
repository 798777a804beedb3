"""The project's files in the browser: made, named, moved, deleted, found and replaced."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from tests.web.ide import PHONE, Ide, Look

HOSTILE = "\u202egnp.txt"


def line(page: Page, name: str) -> Locator:
    """A line of the tree."""
    return page.get_by_role("treeitem", name=name, exact=True)


def fill(folder: Path, count: int) -> None:
    """Make a folder with many files."""
    folder.mkdir()
    for number in range(count):
        (folder / f"file{number}.txt").touch()


async def open_files(ide: Ide) -> Page:
    page = await ide.open()
    await expect(line(page, "README.md")).to_be_visible()
    return page


async def test_files_are_made_renamed_moved_and_deleted(ide: Ide) -> None:
    # A tab looks after its file, which may have got another name a moment before.
    ide.expect("status of 404")
    page = await open_files(ide)
    await page.get_by_role("button", name="New folder", exact=True).click()
    await page.get_by_role("textbox", name="Name").fill("lib")
    await page.keyboard.press("Enter")
    await expect(line(page, "lib")).to_be_visible()
    await line(page, "README.md").click()
    await page.get_by_role("button", name="New file", exact=True).click()
    await page.get_by_role("textbox", name="Name").fill("notes.txt")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("tab", name="notes.txt")).to_be_visible()
    assert (ide.project / "notes.txt").read_text("utf-8") == ""
    await page.locator(".cm-content").click()
    await page.keyboard.type("A thought")

    # By the keyboard alone: another name, then another place; what is not saved goes along.
    await line(page, "notes.txt").click()
    await page.keyboard.press("F2")
    await expect(page.get_by_role("textbox", name="New name of notes.txt")).to_be_focused()
    await page.keyboard.type("ideas")
    await page.keyboard.press("Enter")
    await expect(line(page, "ideas.txt")).to_be_visible()
    await expect(page.get_by_role("tab", name="ideas.txt")).to_be_visible()
    await expect(page.get_by_role("tab", name="notes.txt")).to_have_count(0)
    await expect(page.locator(".cm-content")).to_have_text("A thought")
    await page.get_by_role("tree").press("Control+x")
    await expect(page.get_by_text("waits to be moved")).to_be_visible()
    await page.keyboard.type("li")
    await page.keyboard.press("Control+v")
    await expect(line(page, "ideas.txt")).to_have_attribute("aria-level", "2")
    assert (ide.project / "lib" / "ideas.txt").exists()

    # By dragging, back to the top; what has the name there is never replaced.
    await line(page, "ideas.txt").drag_to(line(page, "README.md"))
    await expect(line(page, "ideas.txt")).to_have_attribute("aria-level", "1")
    (ide.project / "lib" / "ideas.txt").write_text("other", "utf-8")
    ide.expect("status of 409")
    await line(page, "ideas.txt").first.drag_to(line(page, "lib"))
    await expect(
        page.get_by_text("There is something called lib/ideas.txt already.")
    ).to_be_visible()
    assert (ide.project / "ideas.txt").read_text("utf-8") == ""

    await line(page, "lib").click(button="right")
    await page.get_by_role("menuitem", name="Delete …").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("With it, this is lost: 1 file, 0 folders, 5 bytes.")
    await ide.check_accessibility(page)
    await dialog.get_by_role("button", name="Delete").click()
    await expect(line(page, "lib")).to_have_count(0)
    assert not (ide.project / "lib").exists()


async def test_what_changes_outside_appears_by_itself(ide: Ide) -> None:
    page = await open_files(ide)
    (ide.project / "from-outside.txt").write_text("x", "utf-8")
    await expect(line(page, "from-outside.txt")).to_be_visible()
    (ide.project / "deep").mkdir()
    await line(page, "deep").click()
    await expect(line(page, "deep")).to_have_attribute("aria-expanded", "true")
    (ide.project / "deep" / "one.txt").write_text("x", "utf-8")
    await expect(line(page, "one.txt")).to_be_visible()
    (ide.project / "deep" / "one.txt").rename(ide.project / "two.txt")
    await expect(line(page, "one.txt")).to_have_count(0)
    await expect(line(page, "two.txt")).to_be_visible()
    # A name that turns the writing around is shown with what it hides.
    (ide.project / HOSTILE).write_text("x", "utf-8")
    await expect(page.get_by_role("treeitem", name="gnp.txt")).to_contain_text("202E")
    # What was open is open again.
    await page.reload()
    await expect(line(page, "deep")).to_have_attribute("aria-expanded", "true")
    await ide.check_accessibility(page)


async def test_thousands_of_files_are_few_lines_in_the_page(ide: Ide) -> None:
    await asyncio.to_thread(fill, ide.project / "many", 2500)
    page = await open_files(ide)
    await line(page, "many").click()
    await expect(line(page, "file0.txt")).to_be_visible()
    assert await page.get_by_role("treeitem").count() <= 100
    # Page after page comes as the end of the list is reached.
    await page.wait_for_function(
        """() => {
          const tree = document.querySelector('[role=tree]');
          tree.scrollTop = tree.scrollHeight;
          return tree.scrollHeight >= 2500 * 26;
        }"""
    )
    await page.get_by_role("tree").press("End")
    await expect(line(page, "file2499.txt")).to_be_visible()
    assert await page.get_by_role("treeitem").count() <= 100
    await page.get_by_role("tree").press("Home")
    await expect(line(page, "many")).to_be_visible()


async def test_a_file_is_opened_by_some_letters(ide: Ide) -> None:
    page = await open_files(ide)
    (ide.project / "src").mkdir(exist_ok=True)
    (ide.project / "src" / "VeryOwnName.py").write_text("x = 1\n" * 50, "utf-8")
    await page.keyboard.press("Control+p")
    box = page.get_by_role("combobox", name="Open a file")
    await box.fill("von:12")
    await expect(page.get_by_role("option").first).to_contain_text("VeryOwnName.py")
    await ide.check_accessibility(page)
    await box.press("Enter")
    await expect(page.get_by_role("tab", name="VeryOwnName.py")).to_be_visible()
    # What was opened lately comes first.
    await page.keyboard.press("Control+p")
    await expect(page.get_by_role("option").first).to_contain_text("VeryOwnName.py")
    await page.keyboard.press("Escape")
    await expect(box).to_have_count(0)


async def test_matches_are_replaced_as_the_preview_shows(ide: Ide) -> None:
    (ide.project / "one.txt").write_text("alpha(1)\nalpha(2)\n", "utf-8")
    (ide.project / "two.txt").write_text("alpha(3)\n", "utf-8")
    page = await open_files(ide)
    await page.get_by_role("button", name="Search", exact=True).click()
    await page.get_by_label("Search in files").fill(r"alpha\((\d)\)")
    await page.get_by_role("button", name="Regular expression").click()
    await expect(page.get_by_text("3 matches in 2 files")).to_be_visible()
    await page.get_by_role("button", name="Replace", exact=True).click()
    await page.get_by_label("Replace with").fill("beta[$1]")
    results = page.get_by_role("list", name="Results")
    await expect(results.get_by_text("beta[2]")).to_be_visible()
    await results.get_by_role("checkbox", name="Replace the match in line 1").first.uncheck()
    await ide.check_accessibility(page)
    # One of the files changes meanwhile: it is left alone, and that is said.
    (ide.project / "two.txt").write_text("alpha(3) changed\n", "utf-8")
    await page.get_by_role("button", name="Replace 2 matches").click()
    await expect(page.get_by_text("Left as it was: two.txt.")).to_be_visible()
    await expect(page.get_by_text("1 file was changed.")).to_be_visible()
    assert (ide.project / "one.txt").read_text("utf-8") == "alpha(1)\nbeta[2]\n"
    assert (ide.project / "two.txt").read_text("utf-8") == "alpha(3) changed\n"
    await results.get_by_role("button", name=re.compile("alpha")).first.click()
    await expect(page.get_by_role("tab", name="one.txt")).to_be_visible()


@pytest.mark.parametrize("look", [Look(theme="dark", language="ru"), Look(PHONE)])
async def test_files_and_search_are_accessible(ide: Ide, look: Look) -> None:
    (ide.project / ".gitignore").write_text("*.log\n", "utf-8")
    (ide.project / "ignored.log").write_text("needle\n", "utf-8")
    page = await ide.open(look=look)
    is_russian = look.language == "ru"
    files, search = ("Файлы", "Поиск") if is_russian else ("Files", "Search")
    if look.size == PHONE:
        await (
            page.get_by_role("button", name=files)
            .or_(page.get_by_role("tab", name=files))
            .first.click()
        )
    await expect(line(page, "ignored.log")).to_be_visible()
    await ide.check_accessibility(page)
    await (
        page.get_by_role("button", name=search)
        .or_(page.get_by_role("tab", name=search))
        .first.click()
    )
    await page.get_by_label("Найти в файлах" if is_russian else "Search in files").fill("shop")
    await expect(page.get_by_role("listitem").first).to_be_visible()
    await ide.check_accessibility(page)
