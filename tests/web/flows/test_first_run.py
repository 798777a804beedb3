"""A newcomer, without any manual: from the setup link to a commit of what an agent changed."""

from __future__ import annotations

from playwright.async_api import expect

from tests.model_server.script import Reply, ToolCall
from tests.web.conftest import OwnIde
from tests.web.flows.test_terminal import open_terminal, type_line
from tests.web.ide import PASSWORD, setup_link
from tests.workspace.places import git, run

# A turn takes its checkpoints, and each step of git has a box of its own.
_SOON = 20_000
_CART = """\
def total(prices):
    result = 0
    for price in prices[1:]:
        result += price
    return result


def dearest(prices):
    return max(prices)


def cheapest(prices):
    return min(prices)
"""
_EDIT = ToolCall(
    name="edit_file",
    arguments={
        "path": "shop/cart.py",
        "replacements": [
            {"old_text": "prices[1:]", "new_text": "prices"},
            {"old_text": "return min(prices)", "new_text": "return sorted(prices)[0]"},
        ],
    },
)


async def test_a_newcomer_comes_from_the_setup_link_to_a_committed_change(
    own_ide: OwnIde,
) -> None:
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

    # Another folder is one click away.
    (ide.project / "shop/cart.py").write_text(_CART)
    git(ide.project, "commit", "-qam", "More functions")
    await page.keyboard.press("F1")
    await page.keyboard.type("Projects")
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="shop-project", exact=True).click()
    await expect(page.get_by_label("Folder", exact=True)).to_have_value(str(ide.project))
    await page.get_by_role("button", name="Open the folder").click()
    await page.get_by_role("treeitem", name="shop", exact=True).click()
    await page.get_by_role("treeitem", name="cart.py", exact=True).click()
    text = page.get_by_role("textbox", name="shop/cart.py", exact=True)
    await expect(text).to_contain_text("prices[1:]")

    await ide.script(Reply(text="Two places.", tool_calls=[_EDIT]), Reply(text="It is mended."))
    box = page.get_by_role("combobox", name="Message to the agents")
    await box.fill("@coder The total is wrong.")
    await box.press("Enter")
    card = page.locator("[data-approval]")
    await card.get_by_role("button", name="Review", exact=True).click(timeout=_SOON)
    await page.get_by_role("checkbox", name="Change 2 of 2").uncheck()
    await page.get_by_role("button", name="Apply 1 of 2 hunks").click()
    await expect(page.get_by_text("It is mended.", exact=True)).to_be_visible(timeout=_SOON)
    await expect(card).to_have_count(0)
    mended = _CART.replace("prices[1:]", "prices")
    assert (ide.project / "shop/cart.py").read_text() == mended
    # The editor shows it by itself.
    await page.get_by_role("tab", name="cart.py", exact=True).click()
    await expect(text).to_contain_text("for price in prices:")

    shown = await open_terminal(page)
    await type_line(page, "python3 -m unittest -q")
    await expect(shown).to_contain_text("Ran 1 test")
    await expect(shown).to_contain_text("OK")

    await page.get_by_role("navigation").get_by_role("button", name="Git").click()
    row = page.get_by_role("grid", name="Changed files").get_by_role("row")
    row = row.filter(has_text="cart.py")
    await row.hover()
    await row.get_by_role("button", name="Stage shop/cart.py").click()
    await page.get_by_label("Commit message").fill("Count the first price as well")
    await page.get_by_role("button", name="Commit 1 file").click(timeout=_SOON)
    await expect(page.get_by_text("Committed to main.")).to_be_visible(timeout=_SOON)
    last = run("git", "log", "-1", "--format=%an: %s", "--name-only", cwd=ide.project).stdout
    assert last.split("\n\n") == ["grace: Count the first price as well", "shop/cart.py\n"]

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
    await expect(late.get_by_role("link", name="shop-project")).to_be_visible()
