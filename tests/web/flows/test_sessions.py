"""Sessions are found again, renamed, archived, taken along and deleted."""

from pathlib import Path

from playwright.async_api import Page, expect

from tests.web.ide import PHONE, Ide, Look


async def titled(ide: Ide, *titles: str) -> list[str]:
    return [await ide.new_session(title=title) for title in titles]


async def menu(page: Page, title: str, item: str) -> None:
    await page.get_by_role("button", name=f"More about {title}").click()
    await page.get_by_role("menuitem", name=item).click()


async def test_the_life_of_sessions_in_the_list(ide: Ide, tmp_path: Path) -> None:
    first, *_ = await titled(ide, "About the basket", "About <b>prices</b>", "Evil \u202etitle")
    page = await ide.open()
    await page.get_by_role("button", name="Sessions").click()
    grid = page.get_by_role("grid", name="Sessions of this project")
    await expect(grid.get_by_role("row")).to_have_count(4)
    await expect(grid.get_by_text("U+202E")).to_be_visible()
    await expect(grid.get_by_text("About <b>prices</b>")).to_be_visible()
    await ide.check_accessibility(page)

    await grid.get_by_role("button", name="About the basket", exact=True).click()
    await page.wait_for_url(f"**/s/{first}")
    row = grid.get_by_role("row").filter(has_text="About the basket")
    await expect(row).to_have_attribute("aria-selected", "true")
    await row.focus()
    await page.keyboard.press("F2")
    await page.keyboard.type("The basket")
    await page.keyboard.press("Enter")
    await expect(grid.get_by_role("button", name="The basket", exact=True)).to_be_visible()
    renamed = await ide.user.client.call("GET", f"sessions/{first}")
    assert renamed["title"] == "The basket"

    async with page.expect_download() as download:
        await menu(page, "The basket", "Save as Markdown")
    file = await download.value
    assert file.suggested_filename == "The-basket.md"
    await file.save_as(tmp_path / "saved.md")
    assert (tmp_path / "saved.md").read_text("utf-8").startswith("# The basket\n")

    await menu(page, "The basket", "Archive")
    await expect(grid.get_by_role("button", name="The basket", exact=True)).to_have_count(0)
    await page.get_by_role("button", name="Archived", exact=True).click()
    await menu(page, "The basket", "Take out of the archive")
    await expect(page.get_by_text("Nothing is archived.")).to_be_visible()
    await page.get_by_role("button", name="Archived", exact=True).click()

    search = page.get_by_role("searchbox", name="Search sessions")
    await search.fill("PRICES")
    await expect(grid.get_by_role("row")).to_have_count(2)
    await search.fill("nothing like it")
    await expect(page.get_by_text("No session has this text.")).to_be_visible()
    await search.fill("")
    await grid.get_by_role("row").filter(has_text="The basket").focus()
    await page.keyboard.press("Delete")
    await page.get_by_role("dialog").get_by_role("button", name="Delete it").press("Enter")
    await expect(grid.get_by_role("button", name="The basket", exact=True)).to_have_count(0)
    await page.wait_for_url(f"**/w/{ide.workspace_id}")


async def test_many_sessions_stay_few_rows_and_open_on_a_phone(ide: Ide) -> None:
    await titled(ide, *(f"Session {number}" for number in range(60)))
    page = await ide.open(look=Look(PHONE, "dark", "ru"))
    await page.get_by_role("button", name="Сеансы").click()
    grid = page.get_by_role("grid")
    await expect(grid.get_by_role("row").nth(1)).to_be_visible()
    assert await grid.get_by_role("row").count() < 55
    await ide.check_accessibility(page)
    await grid.get_by_role("button", name="Session 59", exact=True).click()
    await expect(page.get_by_role("complementary")).to_be_visible()
