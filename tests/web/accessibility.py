"""axe-core over a page, by the rules of WCAG 2.2 AA."""

from __future__ import annotations

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
_OPTIONS = {"runOnly": {"type": "tag", "values": _RULES}, "resultTypes": ["violations"]}


async def check_accessibility(page: Page) -> None:
    """Fail with each violation, its elements and what axe advises."""
    found = await violations(page)
    assert not found, f"{page.url}\n" + "\n".join(found)


async def violations(page: Page) -> list[str]:
    """Describe each violation."""
    # Half a megabyte of script, which a page needs once.
    if not await page.evaluate("'axe' in globalThis"):
        await page.evaluate(Axe().axe_script)
    results = await page.evaluate("(options) => axe.run(options)", _OPTIONS)
    return [
        f"{violation['id']}: {violation['help']}\n"
        + "\n".join(
            f"    {node['html']}\n    {node['failureSummary']}" for node in violation["nodes"]
        )
        for violation in results["violations"]
    ]
