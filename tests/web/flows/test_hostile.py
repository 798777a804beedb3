"""Names and outputs that pretend to be something else are shown for what they are."""

from __future__ import annotations

import re

from playwright.async_api import expect

from tests.model_server.script import Reply, ToolCall
from tests.web.flows.test_terminal import open_terminal, type_line
from tests.web.ide import Ide
from tests.workspace.places import git

_NAME = "<img src=x onerror=alert(1)>.txt"
# No request may name this one; it is shown all the same.
_TURNED = "<b>a\u202egpj.txt"
_BRANCH = "<img/src=x/onerror=alert(1)>\u202ehctarb"
_CONTENT = "<script>document.title = 'taken'</script>\n\x1b[31m\u202ered\n"
# A title, a link, a picture, a clipboard entry and a question about the terminal itself.
_PRINTED = (
    r"printf '\e]0;taken\a\e]8;;https://evil.example/\e\\press me\e]8;;\e\\ "
    r"\e]1337;File=inline=1:AAAA\a\e]52;c;dGFrZW4=\a<img src=x onerror=alert(1)> the%s\n' -end"
)


async def test_files_branches_tools_and_terminals_run_nothing(ide: Ide) -> None:
    for name in (_NAME, _TURNED):
        (ide.project / name).write_text(_CONTENT, "utf-8")
    git(ide.project, "checkout", "-q", "-b", _BRANCH)
    await ide.script(
        Reply(tool_calls=[ToolCall(name="read_file", arguments={"path": _NAME})]),
        Reply(text="It was read."),
    )
    page = await ide.open()
    asked: list[str] = []
    page.on("dialog", lambda dialog: asked.append(dialog.message))
    turned = page.get_by_role("treeitem").filter(has_text="<b>a")
    await expect(turned).to_contain_text("U+202E")
    branch = page.get_by_role("contentinfo").get_by_role("button", name=re.compile("^Branch"))
    await expect(branch).to_contain_text("<img/src=x/onerror=alert(1)>")
    await expect(branch).to_contain_text("U+202E")

    await page.get_by_role("treeitem", name=_NAME).click()
    text = page.get_by_role("region", name="Editor").get_by_role("textbox")
    await expect(text).to_contain_text("<script>document.title")
    await expect(page.get_by_role("tab", name=_NAME)).to_be_visible()
    await page.get_by_role("navigation").get_by_role("button", name="Git").click()
    changes = page.get_by_role("grid", name="Changed files")
    await expect(changes.get_by_text("U+202E")).to_be_visible()

    box = page.get_by_role("combobox", name="Message to the agents")
    await box.fill("@ask Read it")
    await box.press("Enter")
    await expect(page.get_by_text("It was read.", exact=True)).to_be_visible()
    await page.get_by_role("button", name=re.compile("^Read .*done")).click()
    output = page.get_by_role("region", name="Output")
    await expect(output).to_contain_text("<script>document.title")
    await expect(output).to_contain_text("U+202E")
    await expect(output).to_contain_text("U+001B")

    screen = await open_terminal(page)
    await type_line(page, _PRINTED)
    await expect(screen).to_contain_text("press me <img src=x onerror=alert(1)> the-end")
    await screen.get_by_text("press me <img").last.click(force=True)
    assert len(page.context.pages) == 1
    # The editor's own marks of places are images without a source.
    strange = page.locator("img[src], article script, a[href*=evil]")
    assert await strange.count() == 0
    assert "taken" not in await page.title()
    assert asked == []
    await ide.check_accessibility(page)
