"""The one place where tools run: the gate, the grants, the staleness of approvals, the limit."""

import asyncio
from pathlib import Path
from typing import Annotated, Any, ClassVar

import msgspec
import pytest
from structlog.testing import capture_logs

from codelab.kit.errors import Forbidden, RateLimited, Unavailable
from codelab.sdk import (
    Agent,
    Category,
    Preparation,
    Risk,
    Tool,
    ToolContext,
    ToolError,
    ToolGrant,
    ToolResult,
)
from codelab.sdk.messages import ToolCall
from codelab.tools.builtin.plugin import register_tools
from codelab.tools.errors import (
    ApprovalRequired,
    ApprovalStale,
    ToolArgumentsInvalid,
    ToolNotGranted,
    ToolUnknown,
)
from codelab.tools.events import ToolExecuted
from tests.tools.conftest import CODER, Bench, OpenGate, ShutGate
from tests.workspace.places import git

ASK = Agent(
    name="ask",
    title="Ask",
    description="Explains.",
    prompt="",
    grants=(ToolGrant(category=Category.READ),),
)
ARCHITECT = Agent(
    name="architect",
    title="Architect",
    description="Designs.",
    prompt="",
    grants=(
        ToolGrant(category=Category.READ),
        ToolGrant(name="write_file", paths=("*.md", "docs/*.mermaid")),
    ),
)
PROTECTED = {
    "write_file": '{"path": "made.txt", "content": "x"}',
    "edit_file": '{"path": "a.txt", "replacements": [{"old_text": "one", "new_text": "two"}]}',
    "delete_file": '{"path": "a.txt"}',
    "execute_command": '{"command": "touch made.txt; rm a.txt"}',
    "git_commit": '{"message": "m", "paths": ["."]}',
    "git_branch": '{"action": "create", "branch": "made"}',
    "git_checkout": '{"branch": "made", "create": true}',
    "git_merge": '{"branch": "side"}',
    "git_pull": "{}",
    "git_push": '{"branch": "main"}',
}
# What these reach is not there; test_git_remotes.py lets them run.
REACHING_OUT = {"git_pull", "git_push"}


class Nothing(msgspec.Struct, frozen=True):
    """No parameters."""


class Probe(Tool[Nothing]):
    """Does what a test tells it to."""

    name: ClassVar[str] = "probe"
    description: ClassVar[str] = "A probe."
    parameters: ClassVar[type[msgspec.Struct]] = Nothing

    def __init__(self, outcome: Any = None, preparation: Any = None) -> None:
        self.outcome = outcome or ToolResult(output="done")
        self.preparation = preparation or Preparation()
        self.contexts: list[ToolContext] = []

    async def prepare(self, context: ToolContext, parameters: Nothing) -> Preparation:
        if isinstance(self.preparation, Exception):
            raise self.preparation
        assert isinstance(self.preparation, Preparation)
        return self.preparation

    async def execute(self, context: ToolContext, parameters: Nothing) -> ToolResult:
        self.contexts.append(context)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        assert isinstance(self.outcome, ToolResult)
        return self.outcome


class GuardedProbe(Probe):
    name: ClassVar[str] = "guarded_probe"
    protected: ClassVar[bool] = True


class PathParameters(msgspec.Struct, frozen=True):
    path: Annotated[str, msgspec.Meta(description="Where.")]


class Careless(Tool[PathParameters]):
    """A plugin's tool with mistakes in it."""

    name: ClassVar[str] = "careless"
    description: ClassVar[str] = "Fails."
    parameters: ClassVar[type[msgspec.Struct]] = PathParameters

    def paths(self, parameters: PathParameters) -> tuple[str, ...]:
        return (parameters.path.split("=")[1],)

    async def execute(self, context: ToolContext, parameters: PathParameters) -> ToolResult:
        return ToolResult(output="done")


def call(name: str, arguments: str = "{}") -> ToolCall:
    return ToolCall(id="call-1", name=name, arguments=arguments)


def test_every_protected_tool_is_tried_below() -> None:
    assert {tool.name for tool in register_tools() if tool.protected} == set(PROTECTED)


@pytest.mark.parametrize("name", PROTECTED)
@pytest.mark.parametrize("gate", [ShutGate(), None], ids=["refusing", "missing"])
async def test_no_protected_tool_runs_without_the_gate(
    bench: Bench, boxed: None, git_root: Path, name: str, gate: Any
) -> None:
    before = snapshot(git_root)
    tools = bench.another(gate=gate)
    prepared = await tools.prepare(call(name, PROTECTED[name]), CODER, bench.context, "turn")
    assert prepared.protected
    with pytest.raises(Forbidden if gate else ApprovalRequired):
        await tools.execute(prepared, bench.context)
    assert snapshot(git_root) == before
    assert bench.events == []


@pytest.mark.parametrize("name", sorted(PROTECTED.keys() - REACHING_OUT))
async def test_each_of_them_runs_once_it_is_admitted(
    bench: Bench, boxed: None, git_root: Path, name: str
) -> None:
    before = snapshot(git_root)
    prepared = await bench.prepare(name, PROTECTED[name])
    assert snapshot(git_root) == before
    assert prepared.preview
    result = await bench.tools.execute(prepared, bench.context)
    assert result.ok, result.output
    assert snapshot(git_root) != before
    assert bench.gate.entered == [prepared.call]


async def test_what_is_not_protected_needs_no_gate(bench: Bench, root: Path) -> None:
    (root / "a.txt").write_text("one\n", "utf-8")
    tools = bench.another(gate=ShutGate())
    prepared = await tools.prepare(
        call("read_file", '{"path": "a.txt"}'), CODER, bench.context, "turn"
    )
    assert (await tools.execute(prepared, bench.context)).ok


async def test_what_is_prepared_is_what_is_shown(bench: Bench, root: Path) -> None:
    prepared = await bench.prepare("write_file", '{"path": "./new//a.txt", "content": "x\\u202e"}')
    assert prepared.paths == ("new/a.txt",)
    assert prepared.risk == "high"
    assert "+x⟦U+202E⟧" in prepared.preview
    assert msgspec.json.decode(prepared.call.parameters) == {
        "path": "./new//a.txt",
        "content": "x\u202e",
    }
    assert (prepared.call.tool, prepared.call.agent) == ("write_file", "coder")
    assert (prepared.call.call_id, prepared.call.turn_id) == ("call-1", "turn-1")
    command = await bench.prepare("execute_command", '{"command": "echo \\u001b[2J"}')
    assert command.command == "echo \x1b[2J"
    assert "⟦ESC⟧" in command.preview


async def test_an_approval_goes_stale_when_the_target_changes(bench: Bench, root: Path) -> None:
    (root / "a.txt").write_text("one\n", "utf-8")
    for name in ("write_file", "edit_file", "delete_file"):
        arguments = PROTECTED[name].replace("made.txt", "a.txt")
        prepared = await bench.prepare(name, arguments)
        (root / "a.txt").write_text("one, but other\n", "utf-8")
        with pytest.raises(ApprovalStale):
            await bench.tools.execute(prepared, bench.context)
        assert (root / "a.txt").read_text("utf-8") == "one, but other\n"
        (root / "a.txt").write_text("one\n", "utf-8")
    assert bench.gate.entered == []


async def test_a_call_may_be_riskier_than_its_tool(bench: Bench) -> None:
    for risk, raised in ((None, False), (Risk.LOW, False), (Risk.CRITICAL, True)):
        tools = bench.another(Probe(preparation=Preparation(risk=risk)), gate=None)
        prepared = await tools.prepare(call("probe"), CODER, bench.context, "turn")
        assert (prepared.risk, prepared.raised) == (risk or Risk.LOW, raised)


async def test_the_tool_gets_the_state_that_was_approved(bench: Bench) -> None:
    probe = GuardedProbe(preparation=Preparation(state="approved"))
    tools = bench.another(probe, gate=OpenGate())
    prepared = await tools.prepare(call("guarded_probe"), CODER, bench.context, "turn")
    await tools.execute(prepared, bench.context)
    assert probe.contexts[0].approved_state == "approved"
    probe.preparation = Preparation(state="another")
    with pytest.raises(ApprovalStale):
        await tools.execute(prepared, bench.context)
    assert len(probe.contexts) == 1


async def test_digests_tell_calls_apart(bench: Bench, root: Path) -> None:
    one = await bench.prepare("write_file", '{"path": "a.txt", "content": "1"}')
    same = await bench.prepare("write_file", '{"content": "1", "path": "a.txt"}')
    other = await bench.prepare("write_file", '{"path": "a.txt", "content": "2"}')
    (root / "a.txt").write_text("x", "utf-8")
    later = await bench.prepare("write_file", '{"path": "a.txt", "content": "1"}')
    assert one.call.digest == same.call.digest
    assert len({one.call.digest, other.call.digest, later.call.digest}) == 3


async def test_agents_use_what_they_are_granted(bench: Bench, root: Path) -> None:
    assert {spec.name for spec in bench.tools.specs_for(ASK)} == {
        *("read_file", "list_files", "search_files", "related_files"),
        *("search_code", "find_symbol", "find_references", "repo_map"),
        *("git_status", "git_diff", "git_log", "git_branches"),
    }
    assert len(bench.tools.specs_for(CODER)) == 22
    for name in PROTECTED:
        with pytest.raises(ToolNotGranted):
            await bench.prepare(name, PROTECTED[name], ASK)
    with pytest.raises(ToolNotGranted):
        await bench.prepare("write_file", "not even JSON", ASK)
    for path in ("src/main.py", "notes.md.py", "docs/x.svg"):
        with pytest.raises(ToolNotGranted, match="architect"):
            await bench.prepare("write_file", f'{{"path": "{path}", "content": "x"}}', ARCHITECT)
    for path in ("README.md", "docs/deep/notes.md", "docs/flow.mermaid"):
        await bench.run("write_file", f'{{"path": "{path}", "content": "x"}}', ARCHITECT)
        assert (root / path).exists()


async def test_grants_are_checked_again_when_it_runs(bench: Bench, root: Path) -> None:
    prepared = await bench.prepare("write_file", PROTECTED["write_file"])
    smuggled = msgspec.structs.replace(prepared, agent=ASK)
    with pytest.raises(ToolNotGranted):
        await bench.tools.execute(smuggled, bench.context)
    assert not (root / "made.txt").exists()


async def test_a_path_that_leads_out_is_the_models_mistake(bench: Bench) -> None:
    for path in ("../x", "/etc/passwd", ".env", "build/x"):
        with pytest.raises(ToolError):
            await bench.prepare("write_file", f'{{"path": "{path}", "content": "x"}}')
    prepared = await bench.prepare("read_file", '{"path": ".env"}')
    result = await bench.tools.execute(prepared, bench.context)
    assert not result.ok
    assert "hidden" in result.output


async def test_unknown_tools_and_broken_arguments(bench: Bench) -> None:
    with pytest.raises(ToolUnknown):
        await bench.prepare("read_fil", "{}")
    with pytest.raises(ToolArgumentsInvalid):
        await bench.prepare("read_file", '{"path": 1}')


async def test_what_a_tool_throws_is_a_result_without_a_trace(bench: Bench) -> None:
    failures = [
        (ToolError("mend this"), "mend this"),
        (Unavailable("try later"), "try later"),
        (ZeroDivisionError("secret-detail"), "internal error in tool probe"),
    ]
    for failure, told in failures:
        tools = bench.another(Probe(outcome=failure), gate=None)
        prepared = await tools.prepare(call("probe"), CODER, bench.context, "turn")
        with capture_logs() as logs:
            result = await tools.execute(prepared, bench.context)
        assert result == ToolResult(ok=False, output=told)
        is_ours = not isinstance(failure, ZeroDivisionError)
        assert [entry["event"] for entry in logs] == ([] if is_ours else ["tool_failed"])
    assert [event.ok for event in bench.events if isinstance(event, ToolExecuted)] == [False] * 3


async def test_a_preparation_that_fails_is_told_or_raised(bench: Bench) -> None:
    for failure, kind in (
        (ToolError("mend this"), ToolError),
        (Forbidden("not there"), ToolError),
        (ZeroDivisionError("secret-detail"), ToolError),
        (Unavailable("try later"), Unavailable),
    ):
        tools = bench.another(Probe(preparation=failure), gate=None)
        with pytest.raises(kind) as caught:
            await tools.prepare(call("probe"), CODER, bench.context, "turn")
        assert "secret-detail" not in str(caught.value)
    careless = bench.another(Careless(), gate=None)
    with pytest.raises(ToolError, match="internal error in tool careless"):
        await careless.prepare(call("careless", '{"path": "x"}'), CODER, bench.context, "turn")


async def test_a_long_result_keeps_its_head_and_its_tail(bench: Bench) -> None:
    output = "head" + "x" * 100_000 + "tail"
    tools = bench.another(Probe(outcome=ToolResult(output=output)), gate=None)
    prepared = await tools.prepare(call("probe"), CODER, bench.context, "turn")
    result = await tools.execute(prepared, bench.context)
    assert len(result.output) <= 48_000
    assert result.output.startswith("head")
    assert result.output.endswith("tail")
    assert "characters left out" in result.output
    assert result.truncated


async def test_an_execution_is_told_to_whoever_listens(bench: Bench, root: Path) -> None:
    prepared = await bench.prepare("write_file", PROTECTED["write_file"])
    await bench.tools.execute(prepared, bench.context)
    (event,) = bench.events
    assert isinstance(event, ToolExecuted)
    assert event == ToolExecuted(
        session_id=bench.context.session_id,
        user_id=bench.context.user_id,
        agent="coder",
        tool="write_file",
        call_id="call-1",
        ok=True,
        duration_ms=event.duration_ms,
        digest=prepared.call.digest,
    )


class Endless(Probe):
    def __init__(self) -> None:
        super().__init__()
        self.begun = asyncio.Event()

    async def execute(self, context: ToolContext, parameters: Nothing) -> ToolResult:
        self.begun.set()
        await asyncio.Event().wait()
        return ToolResult(output="never")


async def test_an_execution_that_is_cancelled_is_told_too(bench: Bench) -> None:
    probe = Endless()
    tools = bench.another(probe, gate=None)
    prepared = await tools.prepare(call("probe"), CODER, bench.context, "turn")
    running = asyncio.create_task(tools.execute(prepared, bench.context))
    await probe.begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    (event,) = bench.events
    assert isinstance(event, ToolExecuted)
    assert (event.call_id, event.ok) == ("call-1", False)


async def test_file_operations_are_counted_per_user(bench: Bench, root: Path) -> None:
    tools = bench.another(gate=OpenGate(), per_hour=3)
    prepared = await tools.prepare(
        call("list_files", '{"path": "."}'), CODER, bench.context, "turn"
    )
    written = await tools.prepare(
        call("write_file", PROTECTED["write_file"]), CODER, bench.context, "turn"
    )
    for _ in range(3):
        await tools.execute(prepared, bench.context)
    for refused in (prepared, written):
        with pytest.raises(RateLimited):
            await tools.execute(refused, bench.context)
    assert not (root / "made.txt").exists()
    probe = bench.another(Probe(), gate=None, per_hour=3)
    counted = await probe.prepare(call("probe"), CODER, bench.context, "turn")
    assert (await probe.execute(counted, bench.context)).ok
    other = msgspec.structs.replace(bench.context, user_id="o" * 32)
    assert (await tools.execute(prepared, other)).ok


def snapshot(root: Path) -> dict[str, bytes]:
    """The files of the workspace, its branches, and which of them is the current one."""
    found = {path.name: path.read_bytes() for path in root.iterdir() if path.is_file()}
    refs = (root / ".git").glob("refs/heads/*")
    found |= {f"refs/heads/{path.name}": path.read_bytes() for path in refs}
    return found | {"HEAD": (root / ".git" / "HEAD").read_bytes()}


@pytest.fixture
def git_root(root: Path) -> Path:
    """A repository with a commit, a branch that is ahead and a change that is not committed."""
    git(root, "init", "-q", "-b", "main")
    (root / "a.txt").write_text("one\n", "utf-8")
    git(root, "add", ".")
    git(root, "commit", "-qm", "first")
    git(root, "remote", "add", "origin", "http://localhost/project.git")
    git(root, "switch", "-qc", "side")
    git(root, "commit", "-qm", "second", "--allow-empty")
    git(root, "switch", "-q", "main")
    (root / "b.txt").write_text("new\n", "utf-8")
    return root
