"""Turns that meet trouble: bad arguments, dead providers, cancelling, edits, timeouts."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.flows.harness import (
    Client,
    CodeLab,
    Frame,
    approve,
    collect,
    items,
    of_type,
    send,
    spoken,
)
from tests.model_server.process import ModelServer
from tests.model_server.script import Reply, ToolCall


async def test_broken_arguments_are_mended_by_the_model(
    client: Client, model_server: ModelServer, model_key: str
) -> None:
    await model_server.script(
        model_key,
        [
            Reply(tool_calls=[ToolCall("read_file", '{"path": "README')]),
            Reply(tool_calls=[ToolCall("read_file", {"file": "README.md"})]),
            Reply(tool_calls=[ToolCall("read_file", {"path": "README.md"})]),
            Reply(text="It is a shop."),
        ],
    )
    frames = await client.turn(await client.new_session(), "What is this?")
    assert [result["ok"] for result in of_type(frames, "tool_result")] == [False, False, True]
    assert "path" in of_type(frames, "tool_result")[1]["output"]
    assert frames[-1]["data"]["stop_reason"] == "end"


async def test_three_broken_calls_in_a_row_end_the_turn(
    client: Client, model_server: ModelServer, model_key: str
) -> None:
    broken = Reply(tool_calls=[ToolCall("no_such_tool", "{")], repeat=True)
    await model_server.script(model_key, [broken])
    frames = await client.turn(await client.new_session(), "What is this?")
    assert of_type(frames, "error")[-1]["code"] == "model_broken_tool_calls"
    assert frames[-1]["data"]["stop_reason"] == "error"
    assert len(await model_server.requests(model_key)) == 3


async def test_a_wrong_key_ends_in_one_clear_sentence(
    client: Client, model_server: ModelServer, model_key: str
) -> None:
    await model_server.script(model_key, [Reply(status=401, repeat=True)])
    session_id = await client.new_session()
    frames = await client.turn(session_id, "What is this?")
    error = of_type(frames, "error")[-1]
    assert "scripted" in error["message"]
    assert model_key not in str(frames)
    await model_server.script(model_key, [Reply(text="Now it works.")])
    again = await client.turn(session_id, "What is this?")
    assert spoken(again) == "Now it works."


async def test_cancelling_while_the_model_writes(
    client: Client, model_server: ModelServer, model_key: str
) -> None:
    await model_server.script(model_key, [Reply(text=["One ", "two ", "three"], stall_after=2)])
    session_id = await client.new_session()
    async with client.socket() as socket:
        await send(socket, "chat", session_id, message="Explain it")
        async for text in socket:
            if "two " in str(text):
                break
        await send(socket, "cancel", session_id)
        frames = await collect(socket, session_id)
    assert frames[-1]["data"]["stop_reason"] == "cancelled"
    (seen,) = await model_server.requests(model_key, when_idle=True)
    assert seen.cut_by_client
    history = await client.call("GET", f"sessions/{session_id}/history")
    assert "One two " in msgspec.json.encode(history).decode()


async def test_cancelling_while_a_human_is_asked(
    client: Client, project: Path, model_server: ModelServer, model_key: str
) -> None:
    write = ToolCall("write_file", {"path": "a.txt", "content": "x"})
    await model_server.script(model_key, [Reply(tool_calls=[write])])
    session_id = await client.new_session()
    async with client.socket() as socket:
        await send(socket, "chat", session_id, message="Create a.txt")
        approval: dict[str, Any] = {}
        async for text in socket:
            frame = msgspec.json.decode(text)
            if frame["type"] == "tool_call":
                approval = frame["data"]
            if frame["type"] == "state" and frame["data"]["state"] == "waiting":
                break
        await send(socket, "cancel", session_id)
        frames = await collect(socket, session_id)
    assert frames[-1]["data"]["stop_reason"] == "cancelled"
    assert [result["ok"] for result in of_type(frames, "tool_result")] == [False]
    path = f"hitl/requests/{approval['approval_id']}/approve"
    await client.call("PUT", path, {}, expect=409)
    assert not (project / "a.txt").exists()


async def test_editing_the_parameters_and_approving_over_rest(
    client: Client, project: Path, model_server: ModelServer, model_key: str
) -> None:
    write = ToolCall("write_file", {"path": "a.txt", "content": "from the model\n"})
    await model_server.script(model_key, [Reply(tool_calls=[write]), Reply(text="Done.")])
    session_id = await client.new_session()
    answers: list[asyncio.Task[Any]] = []

    def by_rest(data: Frame) -> None:
        body = {"parameters": {"path": "a.txt", "content": "from the user\n"}}
        path = f"hitl/requests/{data['approval_id']}/approve"
        answers.append(asyncio.create_task(client.call("PUT", path, body)))

    frames = await client.turn(session_id, "Create a.txt", by_rest)
    await asyncio.gather(*answers)
    assert (project / "a.txt").read_text() == "from the user\n"
    assert of_type(frames, "tool_result")[0]["ok"]


async def test_a_file_changed_behind_the_approval_is_asked_again(
    client: Client, project: Path, model_server: ModelServer, model_key: str
) -> None:
    write = ToolCall("write_file", {"path": "README.md", "content": "agent\n"})
    await model_server.script(model_key, [Reply(tool_calls=[write]), Reply(text="Done.")])
    asked: list[str] = []

    def answer(data: Frame) -> dict[str, Any]:
        asked.append(data["preview"])
        if len(asked) == 1:
            (project / "README.md").write_text("somebody else\n")
        return {"approved": True}

    frames = await client.turn(await client.new_session(), "Change the README", answer)
    assert len(asked) == 2
    assert "-somebody else" in asked[1]
    assert (project / "README.md").read_text() == "agent\n"
    assert len(of_type(frames, "tool_result")) == 1


async def test_the_same_request_twice_starts_one_turn(
    client: Client, model_server: ModelServer, model_key: str
) -> None:
    await model_server.script(model_key, [Reply(text="Once.")])
    session_id = await client.new_session()
    async with client.socket() as socket:
        frame = {
            "type": "chat",
            "id": "request-1",
            "session_id": session_id,
            "data": {"message": "Explain it"},
        }
        await socket.send(msgspec.json.encode(frame).decode())
        await socket.send(msgspec.json.encode(frame).decode())
        frames = await collect(socket, session_id)
    assert spoken(frames) == "Once."
    assert len(await model_server.requests(model_key)) == 1


async def test_a_vanished_folder_ends_the_turn_with_a_sentence(
    client: Client, project: Path, model_server: ModelServer, model_key: str
) -> None:
    session_id = await client.new_session()
    await asyncio.to_thread(project.rename, project.with_name("moved"))
    await model_server.script(model_key, [Reply(text="unused")])
    frames = await client.turn(session_id, "What is this?")
    assert frames[-1]["data"]["stop_reason"] == "error"
    assert str(project) not in str(of_type(frames, "error"))


async def test_bad_frames_are_answered_and_the_connection_kept(client: Client) -> None:
    bad = (
        '{"type":"chat"',
        '{"type":"no_such_type","data":{}}',
        '{"type":"chat","session_id":"x","data":{"message":7}}',
        '{"type":"tool_approval","data":{"approval_id":1}}',
        "[]",
        "\u0000",
    )
    async with client.socket() as socket:
        for frame in bad:
            await socket.send(frame)
            answer = msgspec.json.decode(await asyncio.wait_for(socket.recv(), 5))
            assert answer["type"] == "error", frame
            assert answer["data"]["code"], frame
            await socket.send('{"type":"ping","data":{}}')
            pong = msgspec.json.decode(await asyncio.wait_for(socket.recv(), 5))
            assert pong["type"] == "pong", frame


async def test_a_killed_server_goes_on_with_the_waiting_turn(
    client: Client, codelab: CodeLab, project: Path, model_server: ModelServer, model_key: str
) -> None:
    write = ToolCall("write_file", {"path": "a.txt", "content": "x\n"})
    await model_server.script(model_key, [Reply(tool_calls=[write]), Reply(text="Done.")])
    session_id = await client.new_session()
    async with client.socket() as socket:
        await send(socket, "chat", session_id, message="Create a.txt")
        async for text in socket:
            if '"waiting"' in str(text):
                break
    assert codelab.process
    codelab.process.kill()
    codelab.process.wait(10)
    await codelab.start()
    (request,) = items(await client.call("GET", "hitl/requests?status=pending"))
    async with client.socket() as socket:
        await send(socket, "resume", session_id, last_seq=0, epoch=1)
        await send(socket, "tool_approval", session_id, approval_id=request["id"], approved=True)
        frames = await collect(socket, session_id)
    assert (project / "a.txt").read_text() == "x\n"
    assert frames[-1]["data"]["stop_reason"] == "end"
    numbers = [frame["seq"] for frame in frames if frame.get("seq")]
    assert numbers == list(range(1, len(numbers) + 1))


async def test_sse_carries_the_same_frames(
    client: Client, codelab: CodeLab, model_server: ModelServer, model_key: str
) -> None:
    await model_server.script(model_key, [Reply(text=["Hello ", "there."])])
    session_id = await client.new_session()
    url = f"{codelab.url}/api/v1/agent/chat"
    body = {"session_id": session_id, "message": "Explain it"}
    frames: list[Frame] = []
    async with client.http.post(url, json=body, headers=client.headers) as response:
        assert response.content_type == "text/event-stream"
        async for line in response.content:
            if line.startswith(b"data:"):
                frames.append(msgspec.json.decode(line[5:]))
    assert spoken(frames) == "Hello there."
    assert frames[-1]["type"] == "done"


async def test_approvals_of_others_do_not_exist(
    client: Client, codelab: CodeLab, model_server: ModelServer, model_key: str
) -> None:
    await client.call("GET", "hitl/requests/00000000000000000000000000000000", expect=404)
    await client.call("PUT", "hitl/requests/nonsense/approve", {}, expect=404)


async def test_usage_and_cost_are_recorded(
    client: Client, model_server: ModelServer, model_key: str
) -> None:
    await model_server.script(model_key, [Reply(text="Hi.")])
    session_id = await client.new_session()
    frames = await client.turn(session_id, "Explain it", approve)
    (usage,) = of_type(frames, "usage")
    assert usage["input_tokens"] == 10
    assert usage["output_tokens"] == 5


async def test_a_command_does_not_inherit_the_listening_socket(
    client: Client, codelab: CodeLab, model_server: ModelServer, model_key: str
) -> None:
    look = ToolCall("execute_command", {"command": "ls -l /proc/self/fd"})
    await model_server.script(model_key, [Reply(tool_calls=[look]), Reply(text="Done.")])
    frames = await client.turn(await client.new_session(), "Create a list", approve)
    (result,) = of_type(frames, "tool_result")
    if "Commands are off" in result["output"]:
        pytest.skip("no sandbox here")
    assert "/proc/self/fd" in result["output"] or "socket:" in result["output"]
    assert f"socket:[{listener_inode(codelab)}]" not in result["output"]


def listener_inode(codelab: CodeLab) -> str:
    """Find the kernel's number of the socket on which the server listens."""
    listening = "0A"
    for line in Path(f"/proc/{codelab.pid}/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        port = int(fields[1].rpartition(":")[2], 16)
        if port == codelab.port and fields[3] == listening:
            return fields[9]
    raise AssertionError("the server does not listen")
