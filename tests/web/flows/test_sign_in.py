"""Signing in and out, and a sign-in that ends while somebody works."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.model_server.script import Reply
from tests.web.ide import PASSWORD, SIGN_IN, Ide, new_user

_NOTHING = """
Object.defineProperty(window, 'localStorage', {
  get() { throw new DOMException('blocked', 'SecurityError'); },
});
"""
_NONSENSE = """
for (const name of ['sign-in', 'keys', 'layout', 'editor', 'theme', 'language', 'workspace']) {
  localStorage.setItem(`codelab.${name}`, name === 'layout' ? '{"sizes":null,"panelId":7}' : '{');
}
"""


@pytest_asyncio.fixture(loop_scope="session")
async def new_name(ide: Ide) -> str:
    """Name one more user of the shared server."""
    administrator = await ide.signed_in("root")
    return (await new_user(ide, administrator, f"next-to-{ide.user.name}")).name


_KEPT = "(key) => localStorage.getItem(key)"


async def test_a_wrong_password_is_refused_and_a_right_one_leads_in_and_out_again(
    ide: Ide,
) -> None:
    ide.expect("status of 401")
    page = await ide.visit(f"/w/{ide.workspace_id}")
    await page.get_by_label("User name").fill(ide.user.name)
    await page.get_by_label("Password", exact=True).fill("not-the-password")
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await expect(page.get_by_role("alert")).to_contain_text("The name or the password is wrong.")
    await expect(page.get_by_label("Password", exact=True)).to_have_value("")
    await ide.sign_in(page, ide.user.name)
    # Where one wanted to go is where one arrives.
    await expect(page.get_by_role("complementary", name="Assistant")).to_be_visible()
    assert page.url.endswith(f"/w/{ide.workspace_id}")

    other = await page.context.new_page()
    await other.goto(page.url)
    await expect(other.get_by_role("complementary", name="Assistant")).to_be_visible()
    await page.get_by_role("button", name=f"Account of {ide.user.name}").click()
    await page.get_by_role("menuitem", name="Sign out").click()
    await expect(page.get_by_role("heading", name="Sign in to CodeLab")).to_be_visible()
    # The other tab stays as it is and asks for the password.
    await expect(other.get_by_role("dialog", name="Your sign-in has ended")).to_be_visible()
    assert await page.evaluate(_KEPT, SIGN_IN) is None


async def test_what_was_typed_outlives_the_sign_in(ide: Ide) -> None:
    ide.expect("status of 401")
    await ide.script(Reply(text="A whole answer."))
    page = await ide.open()
    box = page.get_by_role("combobox", name="Message to the agents")
    await box.fill("@ask Half a thought")
    token = json.loads(await page.evaluate(_KEPT, SIGN_IN))["refresh"]
    # Ended elsewhere; the page hears of it at its next request, if not by its socket before.
    await ide.user.client.call("POST", "auth/logout", {"refresh_token": token})
    await page.keyboard.press("Control+k")
    await page.keyboard.press("s")
    dialog = page.get_by_role("dialog", name="Your sign-in has ended")
    await expect(dialog).to_be_visible()
    await ide.check_accessibility(page)
    await dialog.get_by_label("Password", exact=True).fill(PASSWORD)
    await dialog.get_by_role("button", name="Sign in", exact=True).click()
    await expect(dialog).to_have_count(0)
    await expect(box).to_have_value("@ask Half a thought")
    await box.press("Enter")
    await expect(page.get_by_text("A whole answer.", exact=True)).to_be_visible()


async def test_nothing_of_one_user_stays_for_the_next(ide: Ide, new_name: str) -> None:
    # What a page asks for while it is signed out elsewhere, or as the next user.
    ide.expect("status of 401", "status of 404")
    (ide.project / "secret.txt").write_text("the secret of one\n")
    page = await ide.open()
    await expect(page.get_by_role("treeitem", name="secret.txt")).to_be_visible()
    # Another tab of the same browser is signed out of, and into as somebody else.
    other = await page.context.new_page()
    await other.goto(ide.server.url)
    await other.get_by_role("button", name=f"Account of {ide.user.name}").click()
    await other.get_by_role("menuitem", name="Sign out").click()
    await other.get_by_label("User name").fill(new_name)
    await other.get_by_label("Password", exact=True).fill(PASSWORD)
    await other.get_by_role("button", name="Sign in", exact=True).click()
    for each in (page, other):
        await expect(each.get_by_role("button", name=f"Account of {new_name}")).to_be_visible()
        assert await each.get_by_text("secret.txt").count() == 0
        assert ide.workspace_id not in each.url


@pytest.mark.parametrize("keeps", ["nothing", "nonsense"])
async def test_a_browser_that_remembers_badly_is_good_enough(ide: Ide, keeps: str) -> None:
    page = await ide.visit()
    await page.add_init_script(_NOTHING if keeps == "nothing" else _NONSENSE)
    await page.goto(f"{ide.server.url}/w/{ide.workspace_id}")
    await ide.sign_in(page, ide.user.name)
    await page.get_by_role("treeitem", name="README.md").dblclick()
    text = page.get_by_role("textbox", name="README.md", exact=True)
    await text.press("Control+Home")
    await text.press_sequentially("Kept. ")
    await text.press("Control+s")
    await expect(page.get_by_text("not saved")).to_have_count(0)
    assert (ide.project / "README.md").read_text("utf-8").startswith("Kept. ")


async def test_names_from_outside_are_shown_and_never_run(ide: Ide, tmp_path: Path) -> None:
    hostile = "<img src=x onerror=alert(1)>\u202egpj.exe\u0007"
    (tmp_path / hostile).mkdir()
    await ide.user.client.call("POST", "workspaces", {"path": str(tmp_path / hostile)})
    page = await ide.open("/workspaces")
    shown = page.get_by_role("link").filter(has_text="onerror")
    await expect(shown).to_contain_text("<img src=x onerror=alert(1)>U+202Egpj.exeU+0007")
    assert await page.locator("img").count() == 0
