"""Two replicas behind nginx: one may go while a page is open, and nobody loses anything."""

from __future__ import annotations

import asyncio
import itertools
import re
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.deploy import proxy
from tests.deploy.proxy import free_port
from tests.faults.cluster import Cluster
from tests.faults.conftest import (
    cluster,
    database_url,
    installations,
    models_yaml,
    redis_url,
    valkey,
)
from tests.flows.harness import USER, Client, CodeLab
from tests.model_server.process import ModelServer
from tests.model_server.script import Reply, ToolCall
from tests.web.flows.test_approvals import WRITE, card_in
from tests.web.flows.test_terminal import open_terminal
from tests.web.ide import Ide, ide_of

__all__ = ["cluster", "database_url", "installations", "models_yaml", "redis_url", "valkey"]

_AWAY = ("WebSocket", "Failed to load resource", "ERR_")
_RECOVERY_MS = 30_000


@pytest.fixture
def port() -> int:
    """Where browsers find nginx."""
    return free_port()


@pytest.fixture
def extra(tmp_path: Path, port: int) -> dict[str, str]:
    """What compose.yaml tells replicas of nginx, and where users' projects may be."""
    return {
        "CODELAB_ALLOWED_ORIGINS": f"https://127.0.0.1:{port}",
        "CODELAB_TRUSTED_PROXIES": "127.0.0.1",
        "CODELAB_WORKSPACES_ROOT": str(tmp_path),
    }


@pytest_asyncio.fixture(loop_scope="session")
async def behind(
    browser: Browser,
    cluster: Cluster,
    port: int,
    model_server: ModelServer,
    model_key: str,
    project: Path,
    tmp_path: Path,
) -> AsyncIterator[Ide]:
    """The interface behind nginx; what is asked beside the browser goes to the second replica."""
    if proxy.NGINX is None:
        pytest.skip("nginx is not installed")
    # The replicas' own project is everybody's already.
    own = shutil.copytree(project, tmp_path / "own-project")
    folder, (one, other) = tmp_path / "nginx", cluster.replicas
    folder.mkdir()
    door = f"https://127.0.0.1:{port}"
    with proxy.running(folder, one.port, other.port, https=port):
        async with ide_of(other, browser, model_server, model_key, own, door) as ide:
            ide.expect(*_AWAY)
            await ide.begin(await ide.signed_in(USER))
            yield ide


async def transcript(page: Page, since: str) -> list[str]:
    """What is shown of the session from a message of the user's on."""
    told = await page.get_by_role("article").all_inner_texts()
    first = max(place for place, text in enumerate(told) if since in text)
    return told[first:]


async def ask(page: Page, message: str) -> None:
    box = page.get_by_role("combobox", name="Message to the agents")
    await box.fill(message)
    await box.press("Enter")


async def terminals(ide: Ide, replica: CodeLab) -> list[dict[str, Any]]:
    """The terminals of the project that live in one of the replicas."""
    client = Client(replica, ide.user.client.http, ide.user.client.token)
    listed = await client.call("GET", f"workspaces/{ide.workspace_id}/terminals")
    return list(listed["terminals"])


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_replicas_go_while_a_page_is_open(behind: Ide, cluster: Cluster) -> None:
    session_id = await behind.new_session(agent="coder")
    address = f"/w/{behind.workspace_id}/s/{session_id}"
    page = await behind.open(address)
    box = page.get_by_role("combobox", name="Message to the agents")
    shell = await open_terminal(page)
    gone = page.get_by_text("This terminal is gone")

    for at, way in itertools.product((0, 1), (signal.SIGTERM, signal.SIGKILL)):
        if await gone.count():
            await page.get_by_role("button", name="Start again").click()
        await expect(shell).to_contain_text(re.compile(r"[#$]\s*$"))
        name = f"{way.name}-{at}"
        words = [f"{name}-{number} " for number in range(60)]
        path = f"{name}.txt"
        call = ToolCall(name="write_file", arguments={"path": path, "content": name})
        # Whoever takes the turn over asks the model again.
        begun, anew = (
            Reply(text=words, tool_calls=[call], token_delay_s=delay) for delay in (0.1, 0)
        )
        await behind.script(begun, anew, Reply(text=f"{name} is done.", repeat=True))
        await ask(page, f"Go {name}")
        await expect(page.get_by_text(f"{name}-9")).to_be_visible(timeout=_RECOVERY_MS)
        await box.fill("Half a thought")
        held = await terminals(behind, cluster.replicas[at])
        await asyncio.to_thread(cluster.replicas[at].stop, way)
        if held:
            await expect(gone).to_be_visible(timeout=_RECOVERY_MS)
        await expect(card_in(page)).to_contain_text(path, timeout=_RECOVERY_MS)
        await cluster.replicas[at].start()
        approve = card_in(page).get_by_role("button", name="Approve", exact=True)
        await expect(approve).to_be_enabled(timeout=_RECOVERY_MS)
        assert not (behind.project / path).exists()
        await behind.script(Reply(text=f"{name} is done.", repeat=True))
        await approve.click()
        await expect(page.get_by_text(f"{name} is done.").first).to_be_visible(timeout=_RECOVERY_MS)
        await expect(card_in(page)).to_have_count(0)
        await expect(box).to_have_value("Half a thought")
        assert (behind.project / path).read_text() == name

        # What was lived is what is stored: nothing is missing, and nothing is there twice.
        other = await behind.open(address)
        await expect(other.get_by_text(f"{name} is done.").first).to_be_visible()
        lived, stored = [await transcript(each, f"Go {name}") for each in (page, other)]
        assert lived == stored
        assert "".join(lived).count(words[-1].strip()) == 1
        await other.close()


async def test_browsers_on_two_replicas_see_the_same(
    behind: Ide, cluster: Cluster, browser: Browser, model_server: ModelServer, model_key: str
) -> None:
    session_id = await behind.new_session(agent="coder")
    address = f"/w/{behind.workspace_id}/s/{session_id}"
    await behind.script(Reply(tool_calls=[WRITE]), Reply(text="All is done."))
    async with AsyncExitStack() as stack:
        # Each at a replica of its own, beside nginx.
        doors = [
            await stack.enter_async_context(
                ide_of(replica, browser, model_server, model_key, behind.project)
            )
            for replica in cluster.replicas
        ]
        one, other = [await door.open(address, user=behind.user) for door in doors]
        await ask(one, "Do it")
        for page in (one, other):
            await expect(card_in(page)).to_be_visible(timeout=_RECOVERY_MS)
            await expect(page).to_have_title(re.compile(r"^\(1\)"))
        approve = card_in(other).get_by_role("button", name="Approve", exact=True)
        await expect(approve).to_be_enabled()
        await approve.click()
        await expect(card_in(one)).to_have_count(0)
        for page in (one, other):
            await expect(page.get_by_text("All is done.").first).to_be_visible(timeout=_RECOVERY_MS)
            await expect(page).not_to_have_title(re.compile(r"^\("))
            await expect(page.get_by_role("treeitem", name="new.txt")).to_be_visible()
