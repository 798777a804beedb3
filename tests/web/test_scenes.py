"""Everybody can use what the documentation shows; CODELAB_TEST_WRITE_DOCS=1 pictures it anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page

from tests.conventions.documents import DOCS
from tests.web.conftest import OwnIde
from tests.web.ide import PHONE, WIDE, Ide, Theme
from tests.web.picture import picture
from tests.web.scenes import SCENES, Scene

IMAGES = DOCS / "images"
MOST_BYTES = 2_000_000

_TWO_FRAMES = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
# What a choice in another tab does.
_SPEAK = """
(code) => {
  localStorage.setItem('codelab.language', code);
  dispatchEvent(new StorageEvent('storage', { key: 'codelab.language', newValue: code }));
}
"""
# Colours change with the theme, names with the language, places with the size.
_LOOKS: tuple[tuple[tuple[int, int], Theme, str], ...] = (
    (WIDE, "light", "en"),
    (WIDE, "dark", "ru"),
    (PHONE, "light", "ru"),
)


@pytest.mark.parametrize("scene", [one for one in SCENES if one.model], ids=lambda one: one.name)
async def test_everybody_can_use_what_is_shown(ide: Ide, browser: Browser, scene: Scene) -> None:
    await check(ide, browser, scene)


@pytest.mark.parametrize(
    "scene", [one for one in SCENES if not one.model], ids=lambda one: one.name
)
async def test_a_server_without_a_model(
    own_ide: OwnIde, browser: Browser, scene: Scene, tmp_path: Path
) -> None:
    nothing = tmp_path / "no-models.yaml"
    nothing.write_text("model_list: []\n")
    ide = await own_ide(CODELAB_MODELS_FILE=str(nothing))
    await ide.set_up()
    await check(ide, browser, scene)


async def check(ide: Ide, browser: Browser, scene: Scene) -> None:
    """Play a scene and look for what shuts somebody out, in both themes and languages."""
    page = await scene.play(ide)
    await page.wait_for_load_state("networkidle")
    if os.environ.get("CODELAB_TEST_WRITE_DOCS"):
        await write_pictures(browser, page, scene)
    for size, theme, language in _LOOKS:
        if size == PHONE and scene.sizes and PHONE not in scene.sizes:
            continue
        await look(page, size, theme)
        await page.evaluate(_SPEAK, language)
        assert await page.evaluate("document.documentElement.lang") == language
        await ide.check_accessibility(page)
        # Nothing makes the page itself scroll sideways.
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), size


async def write_pictures(browser: Browser, page: Page, scene: Scene) -> None:
    """Write the scene's pictures, at each size and in both themes."""
    IMAGES.mkdir(exist_ok=True)
    themes: tuple[Theme, ...] = ("light", "dark")
    for size in scene.sizes:
        for theme in themes:
            await look(page, size, theme)
            file = IMAGES / f"{scene.name}-{size[0]}-{theme}.png"
            file.write_bytes(await picture(browser, page))


async def look(page: Page, size: tuple[int, int], theme: Theme) -> None:
    """Change the browser's size and what its system prefers."""
    await page.set_viewport_size({"width": size[0], "height": size[1]})
    await page.emulate_media(color_scheme=theme)
    # The layout has followed when two frames were drawn.
    await page.evaluate(_TWO_FRAMES)


def test_the_pictures_are_small_and_each_belongs_to_a_scene() -> None:
    files = list(IMAGES.glob("*.png"))
    known = {
        f"{scene.name}-{width}-{theme}.png"
        for scene in SCENES
        for width, _ in scene.sizes
        for theme in ("light", "dark")
    }
    assert {file.name for file in files} <= known
    assert sum(file.stat().st_size for file in files) < MOST_BYTES
