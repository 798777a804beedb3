"""Changes are staged, committed and looked back at; by mouse, and by keyboard alone."""

from playwright.async_api import Page, expect

from tests.web.ide import Ide, Look
from tests.workspace.places import git, run

# Every step of git runs in a box of its own, and there are many of them at once here.
SOON = 20_000
HOSTILE = "a\u202eb.txt"


def log(ide: Ide) -> str:
    """What git itself says of the last commit."""
    words = ("git", "log", "-1", "--format=%an: %s", "--name-only")
    return run(*words, cwd=ide.project).stdout.strip()


async def panel(page: Page) -> None:
    await page.get_by_role("navigation").get_by_role("button", name="Git").click()


async def test_from_a_change_to_its_commit(ide: Ide) -> None:
    (ide.project / "README.md").write_text("# Changed\n", "utf-8")
    (ide.project / HOSTILE).write_text("x\n", "utf-8")
    page = await ide.open()
    await panel(page)
    changes = page.get_by_role("grid", name="Changed files")
    row = changes.get_by_role("row").filter(has_text="README.md")
    await expect(row).to_be_visible()
    await ide.check_accessibility(page)
    await row.get_by_role("button", name="Compare README.md").click()
    await expect(page.get_by_role("tab", name="± README.md")).to_be_visible()
    await expect(page.get_by_role("region", name="Editor").get_by_text("# Changed")).to_be_visible()
    await expect(changes.get_by_text("U+202E")).to_be_visible()
    await row.hover()
    await row.get_by_role("button", name="Stage README.md").click()
    await expect(changes.get_by_role("row").filter(has_text="Staged")).to_be_visible(timeout=SOON)
    message = page.get_by_label("Commit message")
    await message.fill("Change the readme\n\nFor a reason.")
    await expect(page.get_by_text("First line: 17 of 72")).to_be_visible()
    await message.press("Control+Enter")
    await expect(page.get_by_text("Committed to main.")).to_be_visible(timeout=SOON)
    await expect(message).to_have_value("")
    assert log(ide) == f"{ide.user.name}: Change the readme\n\nREADME.md"

    await page.get_by_role("tab", name="History").click()
    await page.get_by_role("grid", name="Commits").get_by_role("button").first.click()
    await expect(page.get_by_text("For a reason.")).to_be_visible()
    await page.get_by_title("Close ± README.md").click()
    await ide.check_accessibility(page)
    await page.get_by_role("grid", name="Files of the commit").get_by_role("button").click()
    await expect(page.get_by_role("tab", name="± README.md")).to_have_count(1)


async def test_everything_by_keyboard(ide: Ide) -> None:
    (ide.project / "README.md").write_text("# Changed\n", "utf-8")
    page = await ide.open()
    await page.get_by_role("button", name="Branch main").wait_for()
    # A new branch, from the status bar's own command.
    await page.keyboard.press("Control+K")
    await page.keyboard.press("b")
    await expect(page.get_by_role("combobox", name="Branches")).to_be_focused()
    await page.keyboard.type("feature/keys")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Now on feature/keys.")).to_be_visible(timeout=SOON)
    await page.keyboard.press("Control+K")
    await page.keyboard.press("c")
    message = page.get_by_label("Commit message")
    await expect(message).to_be_focused()
    await page.keyboard.type("By keys")
    changes = page.get_by_role("grid", name="Changed files")
    # The rows are one stop of the tab key: arrows move, space stages, Delete discards.
    await changes.get_by_role("row").first.focus()
    await page.keyboard.press("ArrowDown")
    row = changes.get_by_role("row").filter(has_text="README.md")
    await expect(row).to_be_focused()
    await page.keyboard.press("Delete")
    await page.get_by_role("dialog").get_by_role("button", name="Discard").press("Enter")
    await expect(page.get_by_text("Nothing has changed")).to_be_visible(timeout=SOON)
    await page.get_by_role("button", name="Undo").press("Enter")
    await expect(row).to_be_visible(timeout=SOON)
    assert (ide.project / "README.md").read_text("utf-8") == "# Changed\n"
    await changes.get_by_role("row").first.focus()
    await page.keyboard.press("ArrowDown")
    # Whoever is quick does not wait for the one to be done before the other.
    await page.keyboard.press("Space")
    await message.press("Control+Enter")
    await expect(page.get_by_text("Committed to feature/keys.")).to_be_visible(timeout=SOON)
    assert log(ide) == f"{ide.user.name}: By keys\n\nREADME.md"


async def test_a_part_of_a_file_is_staged(ide: Ide) -> None:
    page = await ide.open(look=Look((1920, 1080)))
    (ide.project / "README.md").write_text("one\n\n\n\n\n\n\n\ntwo\n", "utf-8")
    git(ide.project, "add", "README.md")
    (ide.project / "README.md").write_text("1\n\n\n\n\n\n\n\n2\n", "utf-8")
    await panel(page)
    row = page.get_by_role("row").filter(has_text="README.md").last
    await row.hover()
    await row.get_by_role("button", name="Stage a part of README.md").click()
    take_back = page.get_by_role("region", name="Editor").locator(".cm-merge-revert button")
    await take_back.first.click()
    await page.get_by_role("button", name="Stage what is on the right").click()
    await expect(page.get_by_text("Staged a part of README.md.")).to_be_visible(timeout=SOON)
    staged = run("git", "show", ":README.md", cwd=ide.project).stdout
    assert staged == "one\n\n\n\n\n\n\n\n2\n"
    assert (ide.project / "README.md").read_text("utf-8") == "1\n\n\n\n\n\n\n\n2\n"
