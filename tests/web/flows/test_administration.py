"""What administrators do in the browser: users, models, what was used, and what the log says."""

from __future__ import annotations

import asyncio
import contextlib
import re
from functools import partial
from pathlib import Path

from playwright.async_api import Error, Page, Route, expect

from tests.model_server.process import ModelServer
from tests.model_server.script import Reply
from tests.web.conftest import OwnIde
from tests.web.ide import PASSWORD, Ide

SECRET_PLACE = "http://127.0.0.1:9"


async def go(page: Page, section: str) -> None:
    """Choose a section of the page by its name."""
    await page.get_by_role("navigation").get_by_role("link", name=section).click()
    await expect(page.get_by_role("heading", level=2, name=section)).to_be_visible()


async def test_a_server_gets_its_first_model_and_its_second_user(
    own_ide: OwnIde, model_server: ModelServer, model_key: str, tmp_path: Path
) -> None:
    nothing = tmp_path / "no-models.yaml"
    nothing.write_text("model_list: []\n")
    ide = await own_ide(CODELAB_MODELS_FILE=str(nothing), CODELAB_MODEL_ADDRESSES="127.0.0.1")
    await ide.set_up()
    await model_server.script(model_key, [Reply(text="yes", repeat=True)])
    page = await ide.open("/admin")

    await page.get_by_role("button", name="Add user").click()
    form = page.get_by_role("dialog", name="Add user")
    await form.get_by_label("User name").fill("anna")
    await form.get_by_label("Password").fill(PASSWORD)
    await form.get_by_role("button", name="Add user").click()
    await expect(page.get_by_role("row", name="anna")).to_contain_text("never")
    anna = await ide.visit("/admin/users")
    await ide.sign_in(anna, "anna")
    await expect(anna.get_by_text("Only administrators may see this.")).to_be_visible()

    # Three steps lead to the first model.
    await go(page, "Models")
    await page.get_by_role("button", name="Other, OpenAI-compatible").click()
    await page.get_by_role("button", name="Add and test").click()
    await expect(page.get_by_text("This is needed.")).to_have_count(2)
    await page.get_by_label("Model", exact=True).fill("vendor/first model")
    await page.get_by_label("Address").fill(model_server.openai_url)
    ide.expect("status of 422")
    await page.get_by_role("button", name="Add and test").click()
    await expect(page.get_by_text("model: its value is not acceptable")).to_be_visible()
    await page.get_by_label("Model", exact=True).fill("vendor/first")
    await page.get_by_label("API key").fill(model_key)
    await page.get_by_role("button", name="Add and test").click()
    await expect(page.get_by_text("Answered after")).to_be_visible()
    await page.get_by_role("button", name="Go", exact=True).click()
    row = page.get_by_role("row", name="first")
    await expect(row).to_contain_text("added here")

    # Another address needs the key anew: one that was typed never goes where it was not meant to.
    await row.get_by_role("button", name="Actions for first").click()
    await page.get_by_role("menuitem", name="Change").click()
    form = page.get_by_role("dialog", name="Change first")
    await expect(form.get_by_label("API key")).to_have_value("")
    await form.get_by_label("Address").fill(SECRET_PLACE)
    await form.get_by_role("button", name="Save").click()
    await expect(form.get_by_text("give it again")).to_be_visible()
    await form.get_by_label("API key").fill("another-key")
    await form.get_by_role("button", name="Save").click()
    await expect(row).to_contain_text("The address cannot be reached", timeout=20_000)
    assert model_key not in await page.content()

    late = Late()
    await page.route(re.compile(r"/usage\?.*group=model"), late.answer)
    await go(page, "Usage and cost")
    await page.get_by_role("radio", name="Calls").check()
    await page.get_by_role("radio", name="user").check()
    await expect(page.get_by_role("row", name="root")).to_contain_text("100 %")
    # Answers to what was asked before come last, and change nothing.
    await late.give()
    await page.evaluate(
        "() => new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)))"
    )
    await expect(page.get_by_role("row", name="root")).to_contain_text("100 %")
    await expect(page.get_by_role("img", name="Calls per day")).to_be_visible()

    await go(page, "Audit log")
    await page.get_by_label("Action").select_option("model.added")
    await page.get_by_role("button", name="Filter").click()
    await expect(page.get_by_role("row", name="model.added")).to_contain_text("model first")
    assert "action=model.added" in page.url
    await page.get_by_role("button", name="Verify").click()
    await expect(page.get_by_text("chain intact")).to_be_visible()
    async with page.expect_download() as waiting:
        await page.get_by_role("button", name="Export CSV").click()
    exported = await (await waiting.value).path()
    assert exported.read_text().count("model.added") == 1

    await go(page, "Health")
    await expect(page.get_by_text("sqlite")).to_be_visible()
    # Without its database a server knows no administrator; what has failed it tells anybody.
    ide.expect("status of 503")
    database = {"status": "failed", "detail": "It does not answer in time."}
    failed = {"version": "1", "status": "failed", "checks": {"database": database}}
    for path, said in {"/api/v1/admin/health": {"code": "unavailable"}, "/health": failed}.items():
        await page.route(f"{ide.url}{path}", partial(_refuse, said))
    await page.get_by_role("button", name="Refresh").click()
    await expect(page.get_by_text("It does not answer in time.")).to_be_visible()
    await expect(page.get_by_text("sqlite")).to_be_hidden()
    await go(page, "Plugins")
    await expect(page.get_by_role("heading", name="builtin-agents")).to_be_visible()


class Late:
    """Holds answers back until it is told to give them."""

    def __init__(self) -> None:
        self._may = asyncio.Event()
        self._given: list[asyncio.Future[None]] = []

    async def answer(self, route: Route) -> None:
        """Answer as the server does, later."""
        given = asyncio.get_running_loop().create_future()
        self._given.append(given)
        # The browser may have given it up.
        with contextlib.suppress(Error):
            response = await route.fetch()
            await self._may.wait()
            await route.fulfill(response=response)
        given.set_result(None)

    async def give(self) -> None:
        """Give all that was held back."""
        assert self._given
        self._may.set()
        await asyncio.gather(*self._given)


async def _refuse(said: object, route: Route) -> None:
    await route.fulfill(status=503, json=said)


async def test_the_last_administrator_stays(own_ide: OwnIde) -> None:
    ide = await own_ide()
    await ide.set_up()
    ide.expect("status of 409")
    page = await ide.open("/admin/users")
    for item in ("Make ordinary user", "Disable"):
        await page.get_by_role("button", name="Actions for root").click()
        await page.get_by_role("menuitem", name=item).click()
    dialog = page.get_by_role("dialog", name="Disable")
    await dialog.get_by_role("button", name="Disable").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("only administrator")
    await dialog.get_by_role("button", name="Cancel").click()
    await expect(page.get_by_role("row", name="root")).to_contain_text("administrator")


async def test_who_may_not_set_up_a_model_learns_whom_to_ask(ide: Ide) -> None:
    names = await ide.user.client.call("GET", "auth/administrators")
    # Those of other tests on the same server come after it.
    assert names[0] == "root"
