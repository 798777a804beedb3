"""A server, a scripted model and Chromium, shared by the browser tests of one process."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from codelab.web.interface import BUILT
from tests.conftest import Stores
from tests.faults.conftest import LIMITS
from tests.flows.conftest import model_key, model_server, project
from tests.flows.harness import CodeLab
from tests.model_server.process import ModelServer
from tests.support.http import one_by_one
from tests.web import browser as chromium
from tests.web.ide import Ide, ide_of, new_user, set_up

__all__ = ["model_key", "model_server", "project"]

OwnIde = Callable[..., Awaitable[Ide]]
_ADMINISTRATOR, _SHARED_KEY = "root", "shared"
_names = (f"ada{number}" for number in itertools.count(1))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run what needs the browser in one event loop: the browser's connection belongs to it."""
    for item in items:
        if isinstance(item, pytest.Function) and "browser" in item.fixturenames:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Chromium; each test gets profiles of its own in it."""
    program = chromium.program()
    if program is None:
        pytest.skip(chromium.MISSING)
    if not (BUILT / "index.html").exists():
        pytest.skip("the browser interface is not built (`python3 dev.py web` says why)")
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=program, args=chromium.FLAGS)
        yield launched
        await launched.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_server(
    tmp_path_factory: pytest.TempPathFactory, model_server: ModelServer
) -> AsyncIterator[CodeLab]:
    """A server for all tests that leave it as it is, with an administrator."""
    folder = tmp_path_factory.mktemp("web-server")
    server = _server(folder, model_server, _SHARED_KEY, tmp_path_factory.getbasetemp())
    await server.start()
    try:
        async with one_by_one() as http:
            await set_up(server, http, _ADMINISTRATOR)
        await model_server.script(_SHARED_KEY, ())
        yield server
    finally:
        server.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def ide(
    browser: Browser, shared_server: CodeLab, model_server: ModelServer, project: Path
) -> AsyncIterator[Ide]:
    """The interface of the shared server, with a user and a project of the test's own."""
    async with ide_of(shared_server, browser, model_server, _SHARED_KEY, project) as made:
        administrator = await made.signed_in(_ADMINISTRATOR)
        await made.begin(await new_user(made, administrator, next(_names)))
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def own_ide(
    browser: Browser, model_server: ModelServer, model_key: str, project: Path, tmp_path: Path
) -> AsyncIterator[OwnIde]:
    """Starts a server of the test's own: fresh, with the settings given, without any user."""
    async with AsyncExitStack() as stack:

        async def start(**settings: str) -> Ide:
            folder = tmp_path / "server"
            folder.mkdir()
            server = _server(folder, model_server, model_key, tmp_path)
            server.extra.update(settings)
            await model_server.script(model_key, ())
            stack.callback(server.stop)
            await server.start()
            return await stack.enter_async_context(
                ide_of(server, browser, model_server, model_key, project)
            )

        yield start


def _server(folder: Path, model: ModelServer, key: str, projects: Path) -> CodeLab:
    (folder / "empty").mkdir()
    models = (
        "model_list:\n"
        "  - model_name: scripted\n"
        "    litellm_params:\n"
        "      model: openai/scripted\n"
        f"      api_base: {model.openai_url}\n"
        f"      api_key: {key}\n"
    )
    stores = Stores("embedded", f"sqlite+aiosqlite:///{folder / 'codelab.sqlite3'}", None)
    settings = LIMITS | {
        "CODELAB_WORKSPACES_ROOT": str(projects),
        "CODELAB_INDEX_ENGINE": "fts5",
        "CODELAB_EMBEDDING_MODEL": "off",
    }
    return CodeLab(folder, folder / "empty", stores, models, extra=settings)
