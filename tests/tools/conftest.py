from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from codelab.kit.bus import Bus
from codelab.kit.errors import Forbidden
from codelab.kit.events import Event
from codelab.kit.ratelimit import RateLimiter
from codelab.sdk import Agent, Tool, ToolContext, ToolGrant, ToolResult
from codelab.sdk.gate import Call
from codelab.sdk.messages import ToolCall
from codelab.tools.api import PreparedCall, Tools
from codelab.tools.builtin.plugin import register_tools
from codelab.workspace.api import Audience, Folder, WorkspaceSettings
from codelab.workspace.rules import Rules
from codelab.workspace.sandbox.sandbox import Sandbox

CODER = Agent(
    name="coder", title="Coder", description="All tools.", prompt="", grants=(ToolGrant(),)
)


class OpenGate:
    """Admits every call and remembers it."""

    def __init__(self) -> None:
        self.entered: list[Call] = []

    async def enter(self, call: Call) -> None:
        self.entered.append(call)


class ShutGate:
    """Admits nothing."""

    async def enter(self, call: Call) -> None:
        raise Forbidden("There is no approval for this call.")


class Bench:
    """Tools on a real folder, for one agent after the other."""

    def __init__(self, folder: Folder, root: Path) -> None:
        self.root = root
        self.folder = folder
        self.gate = OpenGate()
        self.events: list[Event] = []
        self.bus = Bus()
        self.bus.subscribe(Event, self.events.append)
        self.limiter = RateLimiter()
        self.tools = Tools(gate=self.gate, limiter=self.limiter, bus=self.bus)
        self.tools.register(register_tools())
        self.shown: list[str] = []
        self.context = ToolContext(
            workspace=folder,
            session_id="s" * 32,
            user_id="u" * 32,
            user_name="Ann Bee",
            agent="coder",
            on_output=self.shown.append,
        )

    async def prepare(self, name: str, arguments: str, agent: Agent = CODER) -> PreparedCall:
        call = ToolCall(id="call-1", name=name, arguments=arguments)
        return await self.tools.prepare(call, agent, self.context, "turn-1")

    async def run(self, name: str, arguments: str = "{}", agent: Agent = CODER) -> ToolResult:
        return await self.tools.execute(await self.prepare(name, arguments, agent), self.context)

    def another(self, *tools: Tool[Any], gate: Any = None, per_hour: int = 1000) -> Tools:
        """Tools of this bench behind another gate."""
        made = Tools(
            gate=gate, limiter=self.limiter, bus=self.bus, file_operations_per_hour=per_hour
        )
        made.register(tools or register_tools())
        return made


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    return Sandbox(WorkspaceSettings(data_dir=tmp_path / "data"))


@pytest.fixture
async def bench(sandbox: Sandbox, root: Path) -> AsyncIterator[Bench]:
    layer = (await sandbox.standing()).layer
    with ThreadPoolExecutor(4) as threads:
        yield Bench(Folder(root, Rules(Audience.AGENT), sandbox, layer, threads), root)


@pytest.fixture
async def boxed(sandbox: Sandbox) -> None:
    """Where this machine forbids boxes, the test is skipped and says why."""
    standing = await sandbox.standing()
    if standing.layer == "none":
        pytest.skip(f"no box can be built here: {standing.reason}")
