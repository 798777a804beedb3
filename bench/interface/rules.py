"""What must be nought: violations of the rules of accessibility, and of the page's own policy."""

from __future__ import annotations

from bench.interface.stage import Figure, Stage
from tests.web.accessibility import violations
from tests.web.ide import Look, Theme

_SETTINGS = ("", "/keys", "/approvals", "/account", "/tokens")
_ADMIN = ("", "/usage", "/audit", "/models", "/health")
_THEMES: tuple[Theme, ...] = ("light", "dark")


async def rules(stage: Stage) -> list[Figure]:
    """Look at every page in both themes, and at what the pages of all measures have reported."""
    pages = [f"/w/{stage.ide.workspace_id}", "/workspaces"]
    pages += [f"/settings{section}" for section in _SETTINGS]
    pages += [f"/admin{section}" for section in _ADMIN]
    found: list[str] = []
    for theme in _THEMES:
        page = await stage.ide.open(look=Look(theme=theme))
        for path in pages:
            await page.goto(stage.ide.server.url + path, wait_until="networkidle")
            found += await violations(page)
    reported = len(stage.ide.violations())
    count = len(found)
    name = f"axe violations, {len(pages)} pages in 2 themes"
    return [
        Figure(name, str(count), "0", "0", count == 0),
        Figure("policy violations, whole run", str(reported), "0", "0", reported == 0),
    ]
