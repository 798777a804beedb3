"""What the documentation shows, and what everybody must be able to use: one scene a function.

A scene gets a project and a user of its own (see tests/web/ide.py), brings the interface into the
state that is worth a picture and returns the page. tests/web/test_scenes.py plays each of them: it
looks for violations of accessibility in both themes, both languages and on a phone, and with
CODELAB_TEST_WRITE_DOCS=1 writes docs/images/NAME-WIDTH-THEME.png. To add one:

    @scene()
    async def quick_open(ide: Ide) -> Page:
        page = await ide.open()
        await page.keyboard.press("Control+p")
        await expect(page.get_by_role("combobox")).to_be_focused()
        return page

Find elements by English names; the language is changed when the scene is set.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from playwright.async_api import Page, expect

from tests.model_server.script import Reply, ToolCall
from tests.web.flows.test_terminal import open_terminal, type_line
from tests.web.ide import MEDIUM, PHONE, WIDE, Ide, Look
from tests.workspace.places import git

Play = Callable[[Ide], Awaitable[Page]]

CART = '''\
"""What a customer has chosen."""


def total(prices):
    """Add all prices up."""
    result = 0
    for price in prices[1:]:
        result += price
    return result


def is_free(prices):
    """Say whether nothing has to be paid."""
    return total(prices) == 0


def dearest(prices):
    """Find the highest price."""
    return sorted(prices)[len(prices) - 1]


def is_large(prices):
    """Say whether it takes a large box."""
    return len(prices) > 10


def discount(prices, percent):
    """Say what is saved."""
    return total(prices) * percent / 10
'''
EDITS = [
    {"old_text": "prices[1:]", "new_text": "prices"},
    {"old_text": "sorted(prices)[len(prices) - 1]", "new_text": "max(prices)"},
    {"old_text": "percent / 10", "new_text": "percent / 100"},
]
ANSWER = """\
The test is right and the code is wrong:

```python
for price in prices[1:]:
    result += price
```

`prices[1:]` leaves the first price out, so `total([1, 2, 3])` is **5** and not 6.

| prices | expected | total |
|---|--:|--:|
| `[1, 2, 3]` | 6 | 5 |
| `[4]` | 4 | 0 |

Shall I change it?
"""
# A turn takes its checkpoints, which takes a while on a busy machine.
_SOON = 20_000


@dataclass(frozen=True)
class Scene:
    """A state of the interface.

    Args:
        name: How its pictures are called.
        play: Brings a page into that state.
        sizes: The widths and heights at which it is worth a picture.
        model: Whether the server has a model.
    """

    name: str
    play: Play
    sizes: tuple[tuple[int, int], ...]
    model: bool = True


SCENES: list[Scene] = []


def scene(
    *sizes: tuple[int, int], pictured: bool = True, model: bool = True
) -> Callable[[Play], Play]:
    """Make a function a scene; without sizes it is pictured at each of them."""

    def add(play: Play) -> Play:
        name = play.__name__.replace("_", "-")
        wanted = (sizes or (WIDE, MEDIUM, PHONE)) if pictured else ()
        SCENES.append(Scene(name, play, wanted, model))
        return play

    return add


@scene(WIDE, PHONE)
async def sign_in(ide: Ide) -> Page:
    """The door."""
    page = await ide.visit()
    await expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    return page


@scene(WIDE)
async def first_run(ide: Ide) -> Page:
    """What the setup link opens."""
    page = await ide.visit("/setup")
    await expect(page.get_by_role("button", name="Create the administrator")).to_be_visible()
    return page


@scene(pictured=False)
async def projects(ide: Ide) -> Page:
    """The projects there are, and the folders that may become one."""
    page = await ide.open("/workspaces")
    await expect(page.get_by_role("link", name=ide.project.name)).to_be_visible()
    await expect(page.get_by_role("region", name="Folders in")).to_be_visible()
    return page


@scene()
async def workbench(ide: Ide) -> Page:
    """A project that was just opened."""
    page = await ide.open()
    await expect(page.get_by_role("contentinfo")).to_contain_text("Connected")
    return page


@scene(WIDE)
async def commands(ide: Ide) -> Page:
    """All commands and their keys."""
    page = await workbench(ide)
    await page.keyboard.press("F1")
    await expect(page.get_by_role("dialog")).to_be_visible()
    return page


@scene()
async def approval(ide: Ide) -> Page:
    """A change that waits for a decision, in the conversation that led to it."""
    return await _waiting(ide)


@scene(WIDE, MEDIUM)
async def review(ide: Ide) -> Page:
    """The same change, looked at hunk by hunk."""
    page = await _waiting(ide)
    await page.get_by_role("button", name="Review", exact=True).click()
    await expect(page.locator("[data-hunk]")).to_have_count(3)
    await page.get_by_role("checkbox", name="Change 2 of 3").uncheck()
    return page


@scene(PHONE)
async def waiting_approvals(ide: Ide) -> Page:
    """What waits in all sessions, as a phone lists it."""
    await _waiting(ide)
    page = await ide.open(look=Look(PHONE))
    await page.get_by_role("button", name="Approvals (1)").click()
    await expect(page.locator("[data-approval]")).to_be_visible()
    return page


@scene()
async def conversation(ide: Ide) -> Page:
    """A finished turn: a plan, tools and an answer."""
    await ide.script(
        Reply(
            text="I look at the code and at its test first.",
            tool_calls=[
                ToolCall(name="read_file", arguments={"path": "shop/cart.py"}),
                ToolCall(name="search_files", arguments={"pattern": "total"}),
            ],
        ),
        Reply(text=ANSWER),
    )
    page = await _asked(ide, "ask", "Why does the test of the cart fail?")
    await expect(page.get_by_text("Shall I change it?", exact=True)).to_be_visible()
    return page


@scene(WIDE, MEDIUM)
async def terminal(ide: Ide) -> Page:
    """A file in the editor, over a terminal in which the project's tests ran."""
    (ide.project / "shop/cart.py").write_text(CART.replace("[1:]", ""), "utf-8")
    page = await _editing(ide)
    shown = await open_terminal(page)
    # The prompt names the folder, which here is nobody's.
    await type_line(page, "PS1='$ '; clear")
    await type_line(page, "python3 -m unittest -v")
    await expect(shown).to_contain_text("OK")
    return page


@scene(WIDE)
async def problems(ide: Ide) -> Page:
    """What is wrong in a file, marked and listed."""
    (ide.project / "shop/cart.py").write_text(CART.replace("prices):", "prices)", 1), "utf-8")
    page = await _editing(ide)
    await page.keyboard.press("Control+k")
    await page.keyboard.press("p")
    pane = page.get_by_role("region", name="Problems")
    await expect(pane.get_by_role("button", name="expected")).to_be_visible()
    return page


@scene(WIDE)
async def changes(ide: Ide) -> Page:
    """What has changed in the project, and the difference of one file."""
    (ide.project / "shop/cart.py").write_text(CART, "utf-8")
    (ide.project / "shop/prices.txt").write_text("1\n2\n3\n", "utf-8")
    git(ide.project, "add", "shop/prices.txt")
    page = await ide.open()
    await page.get_by_role("navigation").get_by_role("button", name="Git").click()
    listed = page.get_by_role("grid", name="Changed files")
    await listed.get_by_role("button", name="Compare shop/cart.py").click()
    await expect(page.get_by_role("tab", name="± cart.py")).to_be_visible()
    await page.get_by_label("Commit message").fill("List the prices")
    return page


@scene(WIDE)
async def replace(ide: Ide) -> Page:
    """What would be replaced, before it is."""
    page = await ide.open()
    await page.get_by_role("button", name="Search", exact=True).click()
    await page.get_by_label("Search in files").fill("total")
    await page.get_by_role("button", name="Replace", exact=True).click()
    await page.get_by_label("Replace with").fill("sum_of")
    await expect(page.get_by_role("list", name="Results")).to_contain_text("sum_of")
    return page


@scene(WIDE)
async def search_code(ide: Ide) -> Page:
    """Code that was found by what it is about."""
    (ide.project / "shop/cart.py").write_text(CART, "utf-8")
    page = await _indexed(ide)
    await page.get_by_role("link", name="Back to work").click()
    await page.get_by_role("button", name="Search", exact=True).click()
    await page.get_by_role("tab", name="Code").click()
    await page.get_by_label("Describe the code").fill("what does a customer save?")
    await expect(page.get_by_role("list", name="Results")).to_contain_text("def discount")
    return page


@scene(WIDE)
async def index(ide: Ide) -> Page:
    """How the index of a project stands."""
    return await _indexed(ide)


@scene(PHONE)
async def sessions(ide: Ide) -> Page:
    """Earlier sessions, on a phone."""
    for title in ("Mend the cart", "A page for orders", "Why is the build slow?"):
        await ide.new_session(title=title)
    page = await ide.open(look=Look(PHONE))
    await page.get_by_role("button", name="Sessions").click()
    await expect(page.get_by_role("button", name="Mend the cart", exact=True)).to_be_visible()
    return page


@scene(WIDE)
async def checkpoint(ide: Ide) -> Page:
    """What going back would do."""
    page = await _waiting(ide)
    card = page.locator("[data-approval]")
    await card.get_by_role("button", name="Approve all 3 changes").click()
    await expect(page.get_by_text("The cart is mended.", exact=True)).to_be_visible(timeout=_SOON)
    box = page.get_by_role("combobox", name="Message to the agents")
    await box.fill("/undo")
    await box.press("Enter")
    await expect(page.get_by_role("dialog")).to_contain_text("cart.py")
    return page


@scene(WIDE)
async def keys(ide: Ide) -> Page:
    """Every command's keys, to be changed."""
    page = await workbench(ide)
    await page.keyboard.press("Control+,")
    await page.get_by_role("link", name="Keys").click()
    await expect(page.get_by_role("row").nth(5)).to_be_visible()
    return page


@scene(WIDE)
async def usage(ide: Ide) -> Page:
    """What was used and what it cost."""
    await conversation(ide)
    page = await ide.open("/admin/usage", user=await ide.administrator())
    await page.get_by_role("radio", name="Tokens").check()
    await page.get_by_role("radio", name="agent").check()
    await expect(page.get_by_role("row", name="ask")).to_be_visible()
    return page


@scene(WIDE)
async def audit(ide: Ide) -> Page:
    """The audit log."""
    page = await ide.open("/admin/audit", user=await ide.administrator())
    await expect(page.get_by_role("row").nth(5)).to_be_visible()
    return page


@scene(WIDE, model=False)
async def no_model(ide: Ide) -> Page:
    """A project on a server that has no model yet."""
    page = await ide.open()
    await page.get_by_role("button", name="Other, OpenAI-compatible").click()
    await expect(page.get_by_role("button", name="Add and test")).to_be_visible()
    return page


async def _asked(ide: Ide, agent: str, question: str) -> Page:
    """Ask an agent in a session of its own."""
    (ide.project / "shop/cart.py").write_text(CART, "utf-8")
    git(ide.project, "commit", "-qam", "A larger cart")
    session_id = await ide.new_session(agent=agent)
    page = await _editing(ide, f"/w/{ide.workspace_id}/s/{session_id}")
    box = page.get_by_role("combobox", name="Message to the agents")
    await box.fill(question)
    await box.press("Enter")
    return page


async def _waiting(ide: Ide) -> Page:
    """Have the coder ask for a change of three places."""
    edit = ToolCall(name="edit_file", arguments={"path": "shop/cart.py", "replacements": EDITS})
    text = "The loop leaves the first price out. I mend that, and two things beside it."
    await ide.script(
        Reply(text=text, tool_calls=[edit]),
        Reply(text="The cart is mended."),
    )
    page = await _asked(ide, "coder", "The total of the cart is wrong. Please mend it.")
    await expect(page.locator("[data-approval]")).to_be_visible(timeout=_SOON)
    await expect(page.locator("[data-approve]")).to_be_enabled()
    return page


async def _indexed(ide: Ide) -> Page:
    """Wait until all of the project can be found."""
    page = await workbench(ide)
    await page.keyboard.press("F1")
    await page.keyboard.type("index")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("The index is up to date.")).to_be_visible(timeout=_SOON)
    return page


async def _editing(ide: Ide, path: str | None = None) -> Page:
    """Open the cart in the editor."""
    page = await ide.open(path)
    await page.get_by_role("treeitem", name="shop", exact=True).click()
    await page.get_by_role("treeitem", name="cart.py", exact=True).click()
    await expect(page.get_by_role("textbox", name="shop/cart.py", exact=True)).to_be_visible()
    await expect(page.locator(".cm-line span[class]").first).to_be_visible()
    return page
