"""Code is found by what it is about and by its names, and the index says how it stands."""

from __future__ import annotations

from playwright.async_api import Locator, Page, expect

from tests.web.ide import Ide

# A small project's index takes a moment on a busy machine.
_SOON = 20_000
DISCOUNT = '''\
"""Prices for regular customers."""

RATE = 10


class Discount:
    """What a customer saves."""

    def apply(self, price):
        """Take a percentage off for loyal \u202ecustomers."""
        return price * (100 - RATE) / 100
'''


async def open_indexed(ide: Ide) -> Page:
    """Open the test's project once all of it can be found."""
    (ide.project / "shop" / "saving.py").write_text(DISCOUNT, "utf-8")
    page = await ide.open()
    await expect(page.get_by_role("treeitem", name="README.md")).to_be_visible()
    await page.keyboard.press("F1")
    await page.keyboard.type("index")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("The index is up to date.")).to_be_visible(timeout=_SOON)
    return page


async def open_project(ide: Ide) -> Page:
    """Go from there to the project."""
    page = await open_indexed(ide)
    await page.get_by_role("link", name="Back to work").click()
    await expect(page.get_by_role("treeitem", name="README.md")).to_be_visible()
    return page


async def at_line(page: Page, number: int) -> None:
    """Wait until the cursor is in a line of the open file."""
    await expect(page.get_by_role("contentinfo")).to_contain_text(f"Line {number}, column 1")


def results(page: Page) -> Locator:
    return page.get_by_role("list", name="Results").get_by_role("listitem")


async def test_code_is_found_by_a_question_that_names_no_file(ide: Ide) -> None:
    page = await open_project(ide)
    await page.keyboard.press("Control+k")
    await page.keyboard.press("f")
    question = page.get_by_label("Describe the code")
    await expect(question).to_be_focused()
    await page.keyboard.type("who gets a percentage off?")
    first = results(page).first
    await expect(first).to_contain_text("saving.py", timeout=_SOON)
    await expect(first).to_contain_text("def apply(self, price)")
    await expect(first.locator("strong", has_text="percentage")).to_be_visible()
    # What would turn the writing around is shown with what it hides.
    await expect(first.locator("mark")).to_have_text("U+202E")
    # By the keyboard alone, and back.
    await page.keyboard.press("ArrowDown")
    await expect(first.get_by_role("button")).to_be_focused()
    await page.keyboard.press("ArrowUp")
    await expect(question).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("tab", name="saving.py")).to_be_visible()
    await expect(page.locator(".cm-content")).to_contain_text("Take a percentage off")

    # The mode lasts, and symbols are another.
    await page.reload()
    await page.get_by_role("tab", name="Symbols").click()
    await page.get_by_label("Name of a symbol").fill("disc")
    await expect(results(page).first).to_contain_text("Discount")
    await expect(results(page).first).to_contain_text("class")
    await results(page).first.get_by_role("button").click()
    await at_line(page, 6)
    await page.get_by_label("Name of a symbol").fill("nothing_has_this_name")
    await expect(page.get_by_text("Nothing was found.")).to_be_visible()


async def test_symbols_and_lines_are_opened_by_their_names(ide: Ide) -> None:
    page = await open_project(ide)
    await page.keyboard.press("Control+p")
    box = page.get_by_role("combobox", name="Open a file")
    await expect(page.get_by_text("# for symbols of the project")).to_be_visible()
    await box.fill("#apply")
    await expect(page.get_by_role("option").first).to_contain_text("shop/saving.py:9")
    await page.keyboard.press("Enter")
    await at_line(page, 9)
    await page.keyboard.press("Control+k")
    await page.keyboard.press("o")
    await expect(page.get_by_role("option")).to_have_count(2)
    await ide.check_accessibility(page)
    await box.press_sequentially("disc")
    await expect(page.get_by_role("option")).to_have_count(1)
    await page.keyboard.press("Enter")
    await at_line(page, 6)
    await page.keyboard.press("Control+p")
    await box.fill(":3")
    await page.keyboard.press("Enter")
    await at_line(page, 3)


async def test_the_index_is_shown_and_made_anew(ide: Ide) -> None:
    page = await open_indexed(ide)
    row = page.get_by_role("row", name="Python")
    await expect(row).to_be_visible()
    async with page.expect_response(
        lambda answer: answer.request.method == "POST" and answer.url.endswith("/index")
    ) as made:
        await page.get_by_role("button", name="Make it anew").click()
    assert (await made.value).status == 202
    await expect(page.get_by_text("The index is up to date.")).to_be_visible(timeout=_SOON)
    await expect(row).to_be_visible()
