"""Choices that follow their user, keys, one's account, and that everybody can use these pages."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import Page, expect

from tests.web.flows.test_administration import go
from tests.web.ide import PASSWORD, PHONE, WIDE, Ide, Language, Look, Theme

SECTIONS = {
    "settings": ("appearance", "keys", "approvals", "notifications", "account", "tokens", "about"),
    "admin": ("users", "usage", "audit", "models", "plugins", "health"),
}
KEPT = "localStorage.getItem('codelab.unsent') === null"
SHOWN = "document.documentElement.dataset.theme"


async def until(page: Page, expression: str) -> None:
    """Wait until something holds in a page; its policy lets Playwright compile no condition."""
    for _ in range(200):
        if await page.evaluate(expression):
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"it never came to {expression}")


async def test_choices_follow_their_user_to_another_browser(ide: Ide) -> None:
    page = await ide.open()
    await expect(page.get_by_role("complementary", name="Assistant")).to_be_visible()
    await page.keyboard.press("Control+,")
    await go(page, "Keys")
    # Also those of what has not been open since the page was loaded.
    await page.reload()
    await page.get_by_label("Search commands").fill("go to line")
    await expect(page.get_by_role("row", name="Go to line")).to_contain_text("Alt+G")
    await page.get_by_label("Search commands").fill("theme")
    await page.get_by_role("button", name="Change the keys of: Theme: light").click()
    await page.keyboard.press("Control+k")
    await page.keyboard.press("l")
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_label("Pressed")).to_have_value("Ctrl+K L")
    await dialog.get_by_role("button", name="Save").click()
    await page.get_by_role("button", name="Change the keys of: Theme: dark").click()
    await page.keyboard.press("Control+k")
    await page.keyboard.press("l")
    await expect(dialog).to_contain_text("These keys also belong to: Theme: light")
    await page.keyboard.press("Escape")

    await go(page, "Appearance")
    await page.get_by_role("radio", name="Dark").check()
    await page.get_by_role("radio", name="Русский").check()
    await until(page, KEPT)
    await expect(page.get_by_role("heading", level=2, name="Внешний вид")).to_be_visible()

    await page.reload()
    await expect(page.get_by_role("radio", name="Тёмная")).to_be_checked()
    other = await ide.open()
    await expect(other.get_by_role("complementary", name="Помощник")).to_be_visible()
    # What the server says is said in Russian as well.
    await expect(other.get_by_text("Пишет и меняет код в стиле проекта")).to_be_visible()
    assert await other.evaluate(SHOWN) == "dark"
    await other.keyboard.press("Control+k")
    await other.keyboard.press("l")
    await until(other, f"{SHOWN} === 'light'")

    await other.keyboard.press("Shift+Slash")
    overview = other.get_by_role("dialog", name="Клавиши")
    await expect(overview).to_contain_text("Ctrl+K L")


async def test_an_account_is_looked_after(ide: Ide) -> None:
    ide.expect("status of 403", "status of 401")
    page = await ide.open("/settings/tokens")
    await page.get_by_label("What is it for?").fill("my script")
    await page.get_by_role("button", name="Create token").click()
    made = page.get_by_role("dialog", name="New token")
    token = await made.get_by_label("New token").input_value()
    assert token.startswith("codelab_")
    await made.get_by_role("button", name="Done").click()
    await expect(page.get_by_role("row", name="my script")).to_be_visible()
    assert token not in await page.content()
    await page.get_by_role("button", name="Revoke the token my script").click()
    await page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    await expect(page.get_by_text("You have no API tokens.")).to_be_visible()

    await go(page, "Account")
    async with page.expect_download() as waiting:
        await page.get_by_role("button", name="Export my data").click()
    assert (await waiting.value).suggested_filename == "codelab-export.zip"
    await page.get_by_label("Current password").fill("not-my-password")
    await page.get_by_label("New password", exact=True).fill("an-even-longer-password")
    await page.get_by_label("New password again").fill("an-even-longer-password")
    await page.get_by_role("button", name="Change password").click()
    await expect(page.get_by_text("The password is wrong.")).to_be_visible()
    await page.get_by_label("Current password").fill(PASSWORD)
    await page.get_by_role("button", name="Change password").click()
    await expect(page.get_by_text("The password was changed.")).to_be_visible()
    await page.get_by_role("button", name="Delete my account").click()
    await page.get_by_label("Type your password to confirm.").fill("an-even-longer-password")
    await page.get_by_role("button", name="Delete for good").click()
    await expect(page.get_by_role("heading", name="Sign in to CodeLab")).to_be_visible()


# Colours change with the theme, names with the language: each page is seen in both of both.
@pytest.mark.parametrize(
    ("theme", "language", "size"), [("dark", "en", WIDE), ("light", "ru", PHONE)]
)
async def test_everybody_can_use_these_pages(
    ide: Ide, theme: Theme, language: Language, size: tuple[int, int]
) -> None:
    administrator = await ide.administrator()
    for base, names in SECTIONS.items():
        page = await ide.open(f"/{base}", user=administrator, look=Look(size, theme, language))
        for name in names:
            await page.locator(f"a[href='/{base}/{name}']").click()
            await expect(page.locator("[aria-current='page']")).to_have_attribute(
                "href", f"/{base}/{name}"
            )
            await expect(
                page.get_by_role("status").filter(has=page.locator(".spinner"))
            ).to_have_count(0)
            await page.wait_for_load_state("networkidle")
            await ide.check_accessibility(page)
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
