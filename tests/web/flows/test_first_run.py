"""From the setup link to the first administrator's first project."""

from __future__ import annotations

from playwright.async_api import expect

from tests.web.conftest import OwnIde
from tests.web.ide import PASSWORD, setup_link


async def test_the_setup_link_leads_to_the_first_administrators_project(own_ide: OwnIde) -> None:
    ide = await own_ide()
    link = await setup_link(ide.server)
    page = await ide.visit(link.removeprefix(ide.server.url))
    await expect(page.get_by_role("heading", name="Set up CodeLab")).to_be_visible()
    # Neither the address bar nor the history keeps what was in the link.
    assert page.url == f"{ide.server.url}/setup"
    assert "token" not in await page.evaluate("JSON.stringify(history.state) + document.referrer")
    await ide.check_accessibility(page)

    await page.get_by_label("User name").fill("grace")
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.get_by_label("Password again").fill("another-password")
    create = page.get_by_role("button", name="Create the administrator")
    await create.click()
    await expect(page.get_by_text("The two passwords differ.")).to_be_visible()
    await page.get_by_label("Password again").fill(PASSWORD)
    await create.click()
    # The server was started on a folder, and so that is where the work begins.
    await page.wait_for_url("**/w/*")
    await expect(page.get_by_role("complementary", name="Assistant")).to_be_visible()
    grace = await ide.signed_in("grace")
    assert (await grace.client.call("GET", "auth/me"))["role"] == "admin"

    # The link works once.
    ide.expect("status of 409")
    late = await ide.visit(link.removeprefix(ide.server.url))
    await late.get_by_label("User name").fill("mallory")
    await late.get_by_label("Password", exact=True).fill(PASSWORD)
    await late.get_by_label("Password again").fill(PASSWORD)
    await late.get_by_role("button", name="Create the administrator").click()
    await expect(late.get_by_text("CodeLab is set up already.")).to_be_visible()
    await late.get_by_role("button", name="Sign in").click()
    await ide.sign_in(late, "grace")
    await late.wait_for_url("**/w/*")
