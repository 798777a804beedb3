"""The terminal: a shell in the project, which survives a reload and gives the keyboard back."""

from __future__ import annotations

import re

from playwright.async_api import Locator, Page, expect

from tests.web.conftest import OwnIde
from tests.web.ide import Ide, Look

# What is typed before the shell asks again may go with the program that was interrupted.
PROMPT = re.compile(r"[#$]\s*$")


async def type_line(page: Page, line: str) -> None:
    """Type a line into the terminal that has the keyboard."""
    await page.keyboard.type(line)
    await page.keyboard.press("Enter")


def screen(page: Page) -> Locator:
    """What the terminal in front shows."""
    return page.get_by_role("region", name="Terminal").locator(".xterm-rows")


async def open_terminal(page: Page) -> Locator:
    """Open the pane by its keys and wait for the shell."""
    await expect(page.get_by_role("heading", name="CodeLab")).to_be_attached()
    await page.keyboard.press("Control+`")
    shown = screen(page)
    await expect(shown).to_contain_text(re.compile(r"[#$]\s*$"), timeout=10_000)
    return shown


async def test_a_shell_runs_the_projects_tests_and_survives_a_reload(ide: Ide) -> None:
    (ide.project / "test_sum.py").write_text(
        "import unittest\n\n\nclass Sum(unittest.TestCase):\n"
        "    def test_sum(self) -> None:\n        self.assertEqual(1 + 1, 2)\n"
    )
    page = await ide.open()
    shown = await open_terminal(page)
    await type_line(page, "/usr/bin/env python3 -m unittest test_sum.py; echo do''ne")
    await expect(shown).to_contain_text("done")
    await type_line(page, r"printf '\e[38;2;250;120;0mcoloured\e[0m %s\n' \$$((40 + 2))")
    await expect(shown).to_contain_text("coloured $42")
    await ide.check_accessibility(page)

    # The page is loaded anew; the shell, its variables and what it printed are as they were.
    await type_line(page, "kept=value; sleep 600")
    await page.reload()
    await expect(shown).to_contain_text("coloured $42")
    await page.get_by_role("textbox", name="Terminal input").focus()
    await page.keyboard.press("Control+c")
    await expect(shown).to_contain_text(PROMPT)
    await type_line(page, "echo still-$kept")
    await expect(shown).to_contain_text("still-value")

    # More room is told to the shell.
    await type_line(page, "stty size")
    await expect(shown).to_contain_text(re.compile(r"\d+ \d+"))
    before = re.findall(r"\d+ \d+", await shown.inner_text())[-1]
    await page.set_viewport_size({"width": 1100, "height": 800})
    await type_line(
        page, f"clear; while [ \"$(stty size)\" = '{before}' ]; do sleep 0.1; done; echo si''zed"
    )
    await expect(shown).to_contain_text("sized")

    # The keyboard comes back, also from a program that takes every key.
    await type_line(page, "cat")
    await page.keyboard.press("F6")
    await expect(page.get_by_role("textbox", name="Terminal input")).not_to_be_focused()
    await page.keyboard.press("Control+`")
    await expect(shown).to_have_count(0)
    await page.keyboard.press("Control+`")
    await expect(page.get_by_role("textbox", name="Terminal input")).to_be_focused()
    await page.keyboard.press("Control+c")
    await expect(shown).to_contain_text(PROMPT)
    await type_line(page, "echo ba''ck")
    await expect(shown).to_contain_text(re.compile(r"back[\s\S]*[#$]\s*$"))

    # What is printed is searched, another one is opened, and one that ended says how.
    await page.keyboard.press("Control+Shift+F")
    await page.get_by_role("textbox", name="Find in the terminal").fill("nowhere-to-be-found")
    await expect(page.get_by_text("Nothing found")).to_be_visible()
    await page.get_by_role("textbox", name="Find in the terminal").fill("SIZED")
    await page.keyboard.press("Enter")
    await expect(page.locator(".xterm-selection div").first).to_be_visible()
    await expect(page.get_by_text("Nothing found")).to_have_count(0)
    rows = page.locator(".xterm-rows > div")
    beside_the_bar = await rows.count()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("textbox", name="Terminal input")).to_be_focused()
    # There is room for more rows now, and what was found is selected still when they are drawn.
    await expect(rows).not_to_have_count(beside_the_bar)
    await page.evaluate("() => new Promise((end) => requestAnimationFrame(() => setTimeout(end)))")
    await expect(page.locator(".xterm-selection div").first).to_be_visible()
    await type_line(page, "exit 7")
    await expect(page.get_by_text("Ended with exit code 7.")).to_be_visible()
    await ide.check_accessibility(page)
    await page.get_by_role("button", name="Start again").click()
    await expect(shown).to_contain_text(re.compile(r"[#$]\s*$"))
    await page.get_by_role("button", name="New terminal").click()
    await expect(page.get_by_role("tab", name=re.compile("^Terminal \\d"))).to_have_count(2)

    # Another window takes it over, and the first one says so.
    other = await page.context.new_page()
    await other.goto(page.url)
    await expect(screen(other)).to_contain_text(re.compile(r"[#$]\s*$"))
    await expect(page.get_by_text("Opened in another window.")).to_be_visible()
    await page.get_by_role("button", name="Use it here").click()
    await expect(other.get_by_text("Opened in another window.")).to_be_visible()


async def test_a_server_without_terminals_says_why(own_ide: OwnIde) -> None:
    ide = await own_ide(CODELAB_TERMINAL="off")
    await ide.set_up()
    page = await ide.open(look=Look(theme="dark", language="ru"))
    await expect(page.get_by_role("heading", name="CodeLab")).to_be_attached()
    await page.keyboard.press("Control+`")
    await expect(page.get_by_text("CODELAB_TERMINAL")).to_be_visible()
    await expect(page.get_by_role("button", name="Новый терминал")).to_have_count(0)
    await ide.check_accessibility(page)
