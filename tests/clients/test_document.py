"""docs/openai-api.md: every example does what it says."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.clients.conftest import CHAT, KNOWN, V1
from tests.conventions.documents import DOCS
from tests.model_server.script import Reply, ToolCall, When
from tests.support import node

_PARTS = re.split(r"^## ", (DOCS / "openai-api.md").read_text("utf-8"), flags=re.MULTILINE)[1:]
EXAMPLES = {
    part.partition("\n")[0]: dict(re.findall(r"^```(\w+)\n(.*?)^```$", part, re.M | re.S))
    for part in _PARTS
}
VENV = Path(sys.executable).parent
PROGRAMS = [
    VENV,
    node.AGENTS / "node_modules" / ".bin",
    node.AGENTS / "node_modules" / "opencode-linux-x64-baseline" / "bin",
]
# Whatever else a program wants to ask the network about comes to nothing.
OFFLINE = {
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "NO_PROXY": "127.0.0.1",
    "OPENCODE_DISABLE_AUTOUPDATE": "1",
    "OPENCODE_DISABLE_MODELS_FETCH": "1",
    "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
    # The real model's plugin wants a server that is not installed.
    "LLM_LOAD_PLUGINS": "",
}

COMMAND = ToolCall("exec_command", {"cmd": "echo made > made.txt"})
PATCH = ToolCall(
    "apply_patch", {"input": "*** Begin Patch\n*** Add File: made.txt\n+made\n*** End Patch"}
)


def example(v1: V1, title: str, language: str) -> str:
    """A block of the document, about this server."""
    block: str = EXAMPLES[title][language].replace("http://127.0.0.1:8000", v1.codelab.url)
    return block


async def in_shell(v1: V1, home: Path, title: str, **environment: str) -> str:
    """Run a part's commands and return what they print."""
    path = os.pathsep.join([*map(str, PROGRAMS), os.environ["PATH"]])
    command = ["sh", "-euc", example(v1, title, "sh")]
    done = await v1.run(command, home, PATH=path, **OFFLINE, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_there_are_examples() -> None:
    assert EXAMPLES.keys() >= {
        *("Make a token", "curl", "Python", "Node", "llm", "opencode", "codex"),
    }


async def test_the_command_makes_a_token(v1: V1, tmp_path: Path) -> None:
    environment = v1.codelab.environment()
    del environment["PATH"], environment["HOME"]
    printed = await in_shell(v1, tmp_path, "Make a token", **environment)
    assert re.fullmatch(r"codelab_\w+\n", printed)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_curl(v1: V1, tmp_path: Path) -> None:
    await v1.script(Reply(text="Hello to you."), Reply(text="unused"))
    printed = await in_shell(v1, tmp_path, "curl")
    assert '"id":"sonnet"' in printed
    assert '"content":" you."' in printed
    assert "data: [DONE]" in printed
    assert '"embedding":[8.0,0.5,0.25]' in printed


async def test_python(v1: V1, tmp_path: Path) -> None:
    await v1.script(Reply(text="Hello to you."))
    done = await v1.run([sys.executable, "-c", example(v1, "Python", "python")], tmp_path)
    assert (done.returncode, done.stdout) == (0, "Hello to you."), done.stderr


async def test_node(v1: V1, tmp_path: Path) -> None:
    if reason := node.absent():
        pytest.skip(reason)
    await v1.script(Reply(text="Hello to you."))
    (tmp_path / "node_modules").symlink_to(node.FOLDER / "node_modules")
    file = tmp_path / "example.mjs"
    file.write_text(example(v1, "Node", "js"))
    done = await v1.run(["node", file], tmp_path)
    assert (done.returncode, done.stdout) == (0, "Hello to you."), done.stderr


async def test_llm_speaks_and_uses_a_tool(v1: V1, tmp_path: Path) -> None:
    folder = tmp_path / "llm"
    folder.mkdir()
    (folder / "extra-openai-models.yaml").write_text(example(v1, "llm", "yaml"))
    own = {"LLM_USER_PATH": str(folder)}
    await v1.script(Reply(text="Hello to you."))
    assert await in_shell(v1, tmp_path, "llm", **own) == "Hello to you.\n"
    await v1.script(Reply(tool_calls=[ToolCall("llm_version", {})]), Reply(text="It is a version."))
    asked: list[str | Path] = [VENV / "llm", "-m", "codelab", "-T", "llm_version", "Which one?"]
    done = await v1.run(asked, tmp_path, **OFFLINE, **own)
    assert (done.returncode, done.stdout) == (0, "It is a version.\n"), done.stderr
    last = (await v1.seen())[-1].body["messages"][-1]
    assert (last["role"], last["content"][:2]) == ("tool", "0.")
    await v1.script(Reply(context_overflow=True))
    failed = await v1.run([VENV / "llm", "-m", "codelab", "Hi"], tmp_path, **OFFLINE, **own)
    assert failed.returncode == 1
    assert "too long" in failed.stderr


@pytest.mark.timeout(120)
async def test_opencode_completes_a_turn(v1: V1, tmp_path: Path) -> None:
    if reason := node.absent_agents():
        pytest.skip(reason)
    (tmp_path / "opencode.json").write_text(example(v1, "opencode", "json"))
    made = tmp_path / "made.txt"
    await v1.script(
        # It asks for a title beside the turn.
        Reply(text="Making a file", when=When(system_contains="title")),
        Reply(tool_calls=[ToolCall("write", {"filePath": str(made), "content": "made\n"})]),
        Reply(text="I have made it."),
    )
    printed = await in_shell(v1, tmp_path, "opencode", PWD=str(tmp_path))
    assert "I have made it." in printed
    assert made.read_text() == "made\n"


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    # Whether its own sandbox lets it write is the machine's business: it has understood the call.
    ("model", "call", "answered"),
    [(CHAT, COMMAND, "exited with code"), (KNOWN, PATCH, "Exit code")],
)
async def test_codex_completes_a_turn(
    v1: V1, tmp_path: Path, model: str, call: ToolCall, answered: str
) -> None:
    if reason := node.absent_agents():
        pytest.skip(reason)
    (tmp_path / ".codex").mkdir()
    (tmp_path / ".codex" / "config.toml").write_text(
        example(v1, "codex", "toml").replace(CHAT, model)
    )
    await v1.script(
        Reply(tool_calls=[call]),
        Reply(reasoning="Done.", text="I have made it."),
    )
    printed = await in_shell(v1, tmp_path, "codex")
    assert printed.strip() == "I have made it."
    result = (await v1.seen())[-1].body["messages"][-1]
    assert result["role"] == "tool"
    assert answered in result["content"]
