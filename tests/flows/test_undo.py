"""A whole piece of work in a real repository, over the real wire, and its undoing."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from codelab.cli.chat import undo
from codelab.cli.chat.identity import Identity
from codelab.cli.chat.server import Server
from codelab.cli.chat.tokens import TokenFile
from tests.flows.harness import PASSWORD, USER, Client, approve, of_type
from tests.model_server.process import ModelServer
from tests.model_server.script import Reply, ToolCall

FIXED = {"old_text": "prices[1:]", "new_text": "prices"}


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in folder.rglob("*")
        if path.is_file() and ".git" not in path.parts and "__pycache__" not in path.parts
    }


async def test_coder_changes_tests_commits_and_is_undone(
    client: Client, project: Path, model_server: ModelServer, model_key: str, tmp_path: Path
) -> None:
    health = await client.call("GET", "../../health")
    if health["checks"]["sandbox"].get("detail", "").startswith("Commands are off"):
        pytest.skip("no box can be built here")
    start, first_commit = contents(project), git(project, "rev-parse", "HEAD")
    edit = ToolCall("edit_file", {"path": "shop/cart.py", "replacements": [FIXED]})
    new = ToolCall("write_file", {"path": "shop/tax/rates.py", "content": "VAT = 0.2\n"})
    remove = ToolCall("delete_file", {"path": "README.md"})
    test = ToolCall("execute_command", {"command": "python3 -B -m unittest -v 2>&1"})
    commit = ToolCall("git_commit", {"message": "Sum all prices", "paths": ["."]})
    work = [edit, new, remove, test, commit]
    replies = [Reply(tool_calls=[call]) for call in work]
    await model_server.script(
        model_key, [*replies, Reply(text="Done."), Reply(text="What now?", repeat=True)]
    )
    session_id = await client.new_session()

    frames = await client.turn(session_id, "Fix the total", approve, agent="coder")

    results = of_type(frames, "tool_result")
    assert [result["ok"] for result in results] == [True] * len(work), results
    assert "OK" in results[3]["output"]
    assert git(project, "log", "--format=%s", "-1") == "Sum all prices\n"
    assert not git(project, "status", "--porcelain")
    taken = of_type(frames, "checkpoint")
    assert [one.get("files", []) for one in taken] == [
        [],
        ["shop/cart.py"],
        ["shop/tax/rates.py"],
        ["README.md"],
    ]
    second_commit = git(project, "rev-parse", "HEAD")

    listed = await client.call("GET", f"sessions/{session_id}/checkpoints")
    assert [one["kind"] for one in listed] == ["turn", "call", "call", "call"]
    way = f"sessions/{session_id}/checkpoints/{listed[0]['id']}"
    preview = await client.call("GET", way)
    assert {file["path"]: file["action"] for file in preview["files"]} == {
        "README.md": "create",
        "shop/cart.py": "write",
        "shop/tax/rates.py": "delete",
    }
    done = await client.call("POST", f"{way}/restore", {})

    assert (len(done["files"]), done["conflicts"], done["conversation"]) == (3, [], True)
    assert contents(project) == start
    assert not (project / "shop" / "tax").exists()
    # git's own history is the user's: it stays, and shows what went back.
    assert git(project, "rev-parse", "HEAD") == second_commit != first_commit
    assert len(git(project, "status", "--porcelain").splitlines()) == 3

    await client.turn(session_id, "Hello", agent="coder")
    asked = (await model_server.requests(model_key))[-1].body
    assert "Fix the total" not in str(asked)
    page = await client.call("GET", f"sessions/{session_id}/history")
    hidden = {item["text"]: item.get("hidden", False) for item in page["items"] if "text" in item}
    assert (hidden["Fix the total"], hidden["Hello"]) == (True, False)

    # Undoing the undoing, as the terminal client does it, brings all of it back.
    terminal = Identity(Server(client.url), TokenFile(tmp_path), lambda: (USER, PASSWORD))
    found = await undo.checkpoints(terminal, session_id)
    assert len(undo.lines_of(found)) == 5
    with pytest.raises(undo.NoCheckpoint):
        undo.meant(found, "")
    told: list[str] = []
    answers = ["", "y"]

    async def answer(question: str) -> str:
        return answers.pop(0)

    argument = f"{done['restoration_id'][-8:]} files"
    said = await undo.go_back(terminal, session_id, argument, told.extend, answer)
    assert said == "Nothing was changed."
    assert contents(project) == start
    assert "shop/tax/rates.py comes back" in told
    assert "+VAT = 0.2" in told
    said = await undo.go_back(terminal, session_id, argument, told.extend, answer)
    assert said.startswith("3 files are as they were.")
    assert not git(project, "status", "--porcelain")
