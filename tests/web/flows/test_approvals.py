"""Approvals in the browser: what is shown is what runs, and nothing is decided by accident."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from tests.model_server.script import Reply, ToolCall
from tests.web.ide import PHONE, Ide, Language, Look, Theme

LINES = [f"line {number}\n" for number in range(80)]
PLACES = (5, 25, 45, 65)
# A turn of a busy machine, with its boxes and checkpoints.
_TURN_MS = 20_000
EDIT = ToolCall(
    name="edit_file",
    arguments={
        "path": "notes.txt",
        "replacements": [
            {"old_text": f"line {number}\n", "new_text": f"changed {number}\n"} for number in PLACES
        ],
    },
)
# Headless browsers show no notifications and hide no pages.
_RECORDING = """
globalThis.told = [];
globalThis.away = false;
globalThis.Notification = class extends Notification {
  constructor(title, options) {
    super(title, options);
    told.push(options.body);
  }
};
Object.defineProperty(document, 'hidden', { get: () => away });
"""
WRITE = ToolCall(name="write_file", arguments={"path": "new.txt", "content": "one\ntwo\n"})


def text_with(*places: int) -> str:
    return "".join(
        f"changed {number}\n" if number in places else line for number, line in enumerate(LINES)
    )


async def asked(ide: Ide, call: ToolCall) -> Page:
    """Have the agent make a call in a new session; return the page when the card is there."""
    (ide.project / "notes.txt").write_text("".join(LINES))
    await ide.script(Reply(tool_calls=[call]), Reply(text="All is done."))
    session_id = await ide.new_session(agent="coder")
    page = await ide.open(f"/w/{ide.workspace_id}/s/{session_id}")
    box = page.get_by_label("Message to the agents")
    await box.fill("Do it")
    await box.press("Enter")
    await expect(card_in(page)).to_be_visible(timeout=_TURN_MS)
    return page


def card_in(page: Page) -> Locator:
    return page.locator("[data-approval]")


async def told(ide: Ide) -> str:
    """Return what the model was last told."""
    return str((await ide.asked())[-1].body)


async def over(page: Page) -> None:
    await expect(page.get_by_text("All is done.").first).to_be_visible(timeout=_TURN_MS)
    await expect(card_in(page)).to_have_count(0)


async def test_a_change_is_approved_in_one_window_and_gone_in_the_other(ide: Ide) -> None:
    page = await asked(ide, WRITE)
    card = card_in(page)
    await expect(card).to_contain_text("coder asks to use write_file")
    await expect(card).to_contain_text("new.txt")
    await expect(card).to_contain_text("+2")
    await expect(card).to_contain_text("write_file: /new.txt")
    # It has taken no focus, and the page says that somebody waits.
    assert await page.evaluate("!document.activeElement.closest('[data-approval]')")
    await expect(page).to_have_title("(1) shop-project · CodeLab")
    await expect(page.get_by_role("button", name="1 approval waits")).to_be_visible()
    await ide.check_accessibility(page)
    other = await ide.open(page.url.removeprefix(ide.server.url))
    await expect(card_in(other)).to_be_visible()
    assert not (ide.project / "new.txt").exists()
    await card.get_by_role("button", name="Approve", exact=True).click()
    await over(page)
    await expect(card_in(other)).to_have_count(0)
    await expect(page).to_have_title("shop-project · CodeLab")
    await expect(other).to_have_title("shop-project · CodeLab")
    assert (ide.project / "new.txt").read_text() == "one\ntwo\n"


async def test_three_of_four_places_are_applied_by_keys_and_the_agent_is_told(ide: Ide) -> None:
    page = await asked(ide, EDIT)
    await page.keyboard.press("Alt+a")
    await expect(card_in(page)).to_be_focused()
    await card_in(page).get_by_role("button", name="Review", exact=True).press("Enter")
    review = page.locator(".review")
    await expect(review.locator("[data-hunk]")).to_have_count(4)
    await ide.check_accessibility(page)
    for _ in range(2):
        await page.keyboard.press("F7")
    await page.keyboard.press("Space")
    await page.keyboard.press("F7")
    await page.keyboard.press("e")
    await page.get_by_label("New text of this change").fill("mine\nand more")
    await page.get_by_role("button", name="Keep my text").press("Enter")
    await expect(review.locator("[data-hunk='2']")).to_be_focused()
    await page.get_by_role("button", name="Apply 3 of 4 hunks").press("Enter")
    await over(page)
    wanted = text_with(5, 65).replace("line 45\n", "mine\nand more\n")
    assert (ide.project / "notes.txt").read_text() == wanted
    said = await told(ide)
    for part in ("changed this before approving", "-changed 25", "+line 25", "+and more"):
        assert part in said


async def test_a_base_that_changes_while_one_looks_is_compared_again(ide: Ide) -> None:
    ide.expect("status of 409")
    page = await asked(ide, EDIT)
    await card_in(page).get_by_role("button", name="Review", exact=True).click()
    first = page.get_by_role("checkbox", name="Change 1 of 4")
    await first.uncheck()
    path = ide.project / "notes.txt"
    path.write_text("theirs\n" + path.read_text())
    apply = page.get_by_role("button", name="Apply 3 of 4 hunks")
    await apply.click()
    await expect(page.get_by_text("The file changed while you looked")).to_be_visible()
    await expect(first).not_to_be_checked()
    assert path.read_text() == "theirs\n" + "".join(LINES)
    await apply.click()
    await over(page)
    assert path.read_text() == "theirs\n" + text_with(25, 45, 65)


async def test_a_rejection_with_a_reason_reaches_the_agent(ide: Ide) -> None:
    page = await asked(ide, WRITE)
    await card_in(page).get_by_role("button", name="Reject…").click()
    await page.get_by_role("textbox", name="What should the agent do instead?").fill("Use b.txt.")
    await card_in(page).get_by_role("button", name="Reject with reason").click()
    await over(page)
    assert "Use b.txt." in await told(ide)
    assert not (ide.project / "new.txt").exists()


async def test_keys_decide_inside_the_card_only_and_can_be_switched_off(ide: Ide) -> None:
    page = await asked(ide, WRITE)
    await page.locator("[data-region=assistant] h2").first.click()
    await page.keyboard.press("y")
    await expect(card_in(page)).to_be_visible()
    await page.evaluate("localStorage.setItem('codelab.approvals.keys', 'off')")
    await page.reload()
    await expect(card_in(page).get_by_role("button", name="Approve", exact=True)).to_be_enabled()
    await page.keyboard.press("Alt+a")
    await expect(card_in(page)).to_be_focused()
    await page.keyboard.press("y")
    await expect(card_in(page)).to_be_visible()
    await page.evaluate("localStorage.removeItem('codelab.approvals.keys')")
    await page.reload()
    await expect(card_in(page).get_by_role("button", name="Approve", exact=True)).to_be_enabled()
    await page.keyboard.press("Alt+a")
    await expect(card_in(page)).to_be_focused()
    await page.keyboard.press("n")
    await over(page)
    assert not (ide.project / "new.txt").exists()


async def test_a_command_is_shown_whole_and_edited_before_it_runs(ide: Ide) -> None:
    call = ToolCall(name="execute_command", arguments={"command": "echo one && echo 'two three'"})
    page = await asked(ide, call)
    card = card_in(page)
    for part in ("Runs", "echo one", "echo 'two three'", str(ide.project), "none", "30 s"):
        await expect(card).to_contain_text(part)
    await card.get_by_role("button", name="Edit first").click()
    await card.get_by_role("textbox", name="Command").fill("echo mine")
    await expect(card.get_by_role("button", name="Always allow in this session")).to_have_count(0)
    await card.get_by_role("button", name="Approve as edited").click()
    await over(page)
    said = await told(ide)
    assert "mine" in said
    assert "+echo mine" in said


async def test_always_says_what_it_allows_and_for_how_long(ide: Ide) -> None:
    command = ToolCall(name="execute_command", arguments={"command": "echo again"})
    page = await asked(ide, command)
    await expect(card_in(page)).to_contain_text("execute_command: echo again")
    await ide.script(Reply(tool_calls=[command]), Reply(text="All is done."))
    await card_in(page).get_by_role("button", name="Always allow in this session").click()
    # The second call is not asked about any more.
    await over(page)
    rules = await ide.user.client.call("GET", "hitl/rules")
    assert [rule["commands"] for rule in rules] == [["echo again"]]


async def test_deletions_and_commits_say_what_is_lost_and_kept(ide: Ide) -> None:
    page = await asked(ide, ToolCall(name="delete_file", arguments={"path": "notes.txt"}))
    await expect(card_in(page)).to_contain_text("not tracked: git cannot bring it back")
    await expect(card_in(page)).to_contain_text("Checkpoint")
    await card_in(page).get_by_role("button", name="Reject…").click()
    await card_in(page).get_by_role("button", name="Reject", exact=True).click()
    await over(page)
    commit = ToolCall(name="git_commit", arguments={"message": "Add notes", "paths": ["notes.txt"]})
    page = await asked(ide, commit)
    for part in ("main", "notes.txt", "+80"):
        await expect(card_in(page)).to_contain_text(part)
    await card_in(page).get_by_role("button", name="Edit first").click()
    await card_in(page).get_by_role("textbox", name="Commit message").fill("Add my notes")
    await card_in(page).get_by_role("button", name="Approve as edited").click()
    await over(page)
    assert await asyncio.to_thread(_last_subject, ide.project) == "Add my notes"


async def test_a_long_command_hides_neither_its_buttons_nor_the_message_box(ide: Ide) -> None:
    command = "\n".join(f"echo {number} {'x' * 200}" for number in range(100))
    page = await asked(ide, ToolCall(name="execute_command", arguments={"command": command}))
    await page.set_viewport_size({"width": 430, "height": 600})
    for name in ("Approve", "Stop"):
        button = page.get_by_role("button", name=name, exact=True)
        await expect(button).to_be_in_viewport(ratio=1)
        # Nothing lies over it.
        await button.click(trial=True, timeout=5000)


async def test_what_nobody_answers_expires_before_their_eyes(own_ide: Any) -> None:
    ide = await own_ide(CODELAB_HITL_TIMEOUT_S="2")
    await ide.set_up()
    page = await asked(ide, WRITE)
    await over(page)
    assert "Nobody answered in time" in await told(ide)
    await expect(page).to_have_title("shop-project · CodeLab")


async def test_who_looks_elsewhere_is_told_once(ide: Ide) -> None:
    session_id = await ide.new_session(agent="coder")
    page = await ide.open(f"/w/{ide.workspace_id}/s/{session_id}")
    await page.context.grant_permissions(["notifications"])
    await page.context.add_init_script(_RECORDING)
    await page.reload()
    box = page.get_by_role("combobox", name="Message to the agents")
    await ide.script(
        Reply(tool_calls=[WRITE]),
        Reply(tool_calls=[ToolCall(name="delete_file", arguments={"path": "new.txt"})]),
        Reply(text="All is done."),
    )
    await box.fill("Do it")
    await box.press("Enter")
    await expect(card_in(page)).to_be_visible(timeout=_TURN_MS)
    # Who sees the card is not told of it.
    assert await page.evaluate("told") == []
    await page.evaluate("away = true")
    await card_in(page).get_by_role("button", name="Approve", exact=True).click()
    await expect(card_in(page)).to_contain_text("delete_file", timeout=_TURN_MS)
    await expect(page).to_have_title("(1) shop-project · CodeLab")
    assert await page.evaluate("told") == ["coder asks to use delete_file"]
    await page.keyboard.press("Alt+a")
    await expect(card_in(page)).to_be_focused()
    # A card that has just come takes no decision yet.
    approve = card_in(page).get_by_role("button", name="Approve", exact=True)
    await expect(approve).to_be_enabled()
    await page.keyboard.press("n")
    await over(page)


@pytest.mark.parametrize(("theme", "language"), [("light", "ru"), ("dark", "en")])
async def test_a_phone_lists_what_waits_in_all_sessions(
    ide: Ide, theme: Theme, language: Language
) -> None:
    names = {
        "en": ("Message", "Approvals", "Approve"),
        "ru": ("Сообщение", "Разрешения", "Разрешить"),
    }
    _, approvals, approve = names[language]
    first = await asked(ide, WRITE)
    # A small window that is enlarged four times: all can be reached.
    await first.set_viewport_size({"width": 320, "height": 256})
    await card_in(first).get_by_role("button", name="Approve", exact=True).click(trial=True)
    # Another browser, in no session at all.
    page = await ide.open(look=Look(PHONE, theme, language))
    await page.get_by_role("button", name=f"{approvals} (1)").click()
    await expect(card_in(page)).to_have_count(1)
    await ide.check_accessibility(page)
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await card_in(page).get_by_role("button", name=approve, exact=True).click()
    await expect(card_in(page)).to_have_count(0)
    await over(first)


def _last_subject(project: Path) -> str:
    words = ["git", "-C", str(project), "log", "-1", "--format=%s"]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()
