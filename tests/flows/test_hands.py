"""An agent's hands, whole: three files are changed, tests run in the box, work is committed."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.flows.harness import Client, approve, of_type
from tests.model_server.process import ModelServer
from tests.model_server.script import Reply, ToolCall, When

CODER = When(system_contains="You are the **coder**")

_CART, _README, _TOTALS = "shop/cart.py", "README.md", "shop/totals.py"
_TESTS = "python3 -m unittest -q"


def edit(path: str, old: str, new: str) -> ToolCall:
    replacements = [{"old_text": old, "new_text": new}]
    return ToolCall("edit_file", {"path": path, "replacements": replacements})


def git(project: Path, *arguments: str) -> str:
    command = ["git", *arguments]
    return subprocess.run(
        command, cwd=project, check=True, capture_output=True, text=True
    ).stdout.strip()


async def test_three_files_are_changed_tested_and_committed(
    client: Client, project: Path, model_server: ModelServer, model_key: str
) -> None:
    new = "def mean(prices):\n    return sum(prices) / len(prices)\n"
    paths = [_CART, _README, _TOTALS]
    await model_server.script(
        model_key,
        [
            Reply(
                tool_calls=[
                    ToolCall("read_file", {"path": _CART}),
                    ToolCall("execute_command", {"command": _TESTS}),
                ],
                when=CODER,
            ),
            Reply(
                tool_calls=[
                    edit(_CART, "prices[1:]", "prices"),
                    edit(_README, "A small shop.", "A small shop that can add."),
                    ToolCall("write_file", {"path": _TOTALS, "content": new}),
                ],
                when=CODER,
            ),
            Reply(tool_calls=[ToolCall("execute_command", {"command": _TESTS})], when=CODER),
            Reply(
                tool_calls=[ToolCall("git_commit", {"message": "Sum all prices", "paths": paths})],
                when=CODER,
            ),
            Reply(text="All prices are summed, and the tests pass.", when=CODER),
        ],
    )
    session_id = await client.new_session()

    frames = await client.turn(session_id, "Write the sum of all prices", approve)

    assert frames[-1]["data"]["stop_reason"] == "end"
    results = [(result["ok"], result["output"]) for result in of_type(frames, "tool_result")]
    tests = [result for result in results if "Ran 1 test" in result[1]]
    assert [ok for ok, _ in tests] == [False, True]
    assert [ok for ok, _ in results].count(False) == 1
    assert (project / _CART).read_text().count("prices[1:]") == 0
    assert (project / _TOTALS).read_text() == new
    assert git(project, "log", "-1", "--format=%s") == "Sum all prices"
    assert git(project, "show", "--name-only", "--format=", "HEAD").split("\n") == sorted(paths)
    assert git(project, "status", "--porcelain", "--untracked-files=no") == ""
