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

from tests.web.ide import MEDIUM, PHONE, WIDE, Ide

Play = Callable[[Ide], Awaitable[Page]]


@dataclass(frozen=True)
class Scene:
    """A state of the interface.

    Args:
        name: How its pictures are called.
        play: Brings a page into that state.
        sizes: The widths and heights at which it is worth a picture.
    """

    name: str
    play: Play
    sizes: tuple[tuple[int, int], ...]


SCENES: list[Scene] = []


def scene(*sizes: tuple[int, int], pictured: bool = True) -> Callable[[Play], Play]:
    """Make a function a scene; without sizes it is pictured at each of them."""

    def add(play: Play) -> Play:
        name = play.__name__.replace("_", "-")
        wanted = (sizes or (WIDE, MEDIUM, PHONE)) if pictured else ()
        SCENES.append(Scene(name, play, wanted))
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
    """The choice of a project, which shows where this machine has its folders."""
    page = await ide.open("/workspaces")
    await expect(page.get_by_role("link", name="shop-project")).to_be_visible()
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
