"""A conversation: messages, questions and answers over a real socket to a scripted server."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from codelab.cli.chat.conversation import Conversation
from codelab.cli.chat.display import JsonDisplay, PlainDisplay, Reply
from codelab.cli.chat.frames import Frame
from codelab.cli.chat.transcript import Call, Note, Transcript
from tests.cli.chat.scripted_server import Peer, Script, ScriptedServer, connect

CALL = {
    "call_id": "c",
    "tool": "write_file",
    "parameters": {"path": "a.py"},
    "agent": "coder",
    "risk": "high",
    "requires_approval": True,
    "approval_id": "ap",
    "preview": "+x",
}


class Answering:
    """A display whose human has the given answers, and otherwise does not react."""

    def __init__(self, *answers: Reply) -> None:
        self.notes: list[str] = []
        self.asked: list[str] = []
        self._answers = list(answers)

    def turn(
        self, transcript: Transcript, interrupted: Callable[[], None]
    ) -> AbstractContextManager[None]:
        return nullcontext()

    def frame(self, frame: Frame) -> None:
        pass

    def show(self, note: Note) -> None:
        self.notes.append(note.kind)

    async def ask(self, call: Call) -> Reply:
        self.asked.append(call.preview)
        if not self._answers:
            await asyncio.Event().wait()
        return self._answers.pop(0)


@contextlib.asynccontextmanager
async def conversation(
    folder: Path, display: Answering | PlainDisplay, *scripts: Script, history_to: int = 0
) -> AsyncIterator[tuple[Conversation, Transcript, ScriptedServer]]:
    server = ScriptedServer(*scripts)
    async with server.running() as address:
        transcript = Transcript("s")
        talk = Conversation(
            connect(address, folder, transcript), transcript, display, history_to=history_to
        )
        try:
            async with asyncio.timeout(10):
                yield talk, transcript, server
        finally:
            await talk.close()


async def open_turn(peer: Peer, first_seq: int = 1) -> None:
    asked = await peer.receive("chat")
    await peer.send("ack", mark=asked["id"], of="chat")
    await peer.send(
        "message", first_seq, role="user", message_id="u", text=asked["data"]["message"]
    )


async def test_an_approved_call_is_answered_once_and_the_turn_ends(tmp_path: Path) -> None:
    async def script(peer: Peer) -> None:
        await open_turn(peer)
        await peer.send("tool_call", 2, **CALL)
        await peer.receive("tool_approval")
        await peer.send("approval", 3, approval_id="ap", status="approved", by="ann")
        await peer.send("tool_result", 4, call_id="c", ok=True, output="")
        await peer.send("message", 5, role="assistant", message_id="m", text="Done.")
        await peer.send("done", 6, stop_reason="end")
        await peer.stay()

    display = Answering(Reply(approved=True, parameters={"path": "b.py"}))
    async with conversation(tmp_path, display, script) as (talk, transcript, server):
        await talk.ask("write it", agent="coder")
    sent = {frame["type"]: frame["data"] for frame in server.received}
    assert sent["chat"] == {"message": "write it", "agent": "coder"}
    assert sent["tool_approval"] == {
        "approval_id": "ap",
        "approved": True,
        "parameters": {"path": "b.py"},
    }
    assert display.asked == ["+x"]
    assert display.notes == ["call", "approval", "result", "answer", "done"]
    assert transcript.stop_reason == "end"


async def test_a_question_that_somebody_else_answered_is_taken_back(tmp_path: Path) -> None:
    async def script(peer: Peer) -> None:
        await open_turn(peer)
        await peer.send("tool_call", 2, **CALL)
        await peer.send("approval", 3, approval_id="ap", status="rejected", by="ben")
        await peer.send("done", 4, stop_reason="end")
        await peer.stay()

    display = Answering()
    async with conversation(tmp_path, display, script) as (talk, _, server):
        await talk.ask("write it")
    assert [frame["type"] for frame in server.received] == ["resume", "chat"]


async def test_an_answer_that_was_not_accepted_is_asked_again(tmp_path: Path) -> None:
    async def script(peer: Peer) -> None:
        await open_turn(peer)
        await peer.send("tool_call", 2, **CALL)
        first = await peer.receive("tool_approval")
        await peer.send("error", mark=first["id"], code="invalid_input", message="No such field.")
        second = await peer.receive("tool_approval")
        await peer.send("ack", mark=second["id"], of="tool_approval")
        await peer.send("done", 3, stop_reason="end")
        await peer.stay()

    display = Answering(Reply(approved=True, parameters={"no": 1}), Reply(approved=False))
    async with conversation(tmp_path, display, script) as (talk, _, server):
        await talk.ask("write it")
    answers = [each["data"] for each in server.received if each["type"] == "tool_approval"]
    assert [answer["approved"] for answer in answers] == [True, False]
    assert display.notes.count("error") == 1


async def test_a_question_survives_a_lost_connection(tmp_path: Path) -> None:
    async def breaks(peer: Peer) -> None:
        await open_turn(peer)
        await peer.send("tool_call", 2, **CALL)
        await peer.close(1012)

    async def continues(peer: Peer) -> None:
        await peer.receive("tool_approval")
        await peer.send("done", 3, stop_reason="end")
        await peer.stay()

    display = Answering(Reply(approved=False, feedback="no"))
    async with conversation(tmp_path, display, breaks, continues) as (talk, transcript, server):
        await talk.ask("write it")
    assert transcript.stop_reason == "end"
    last = [each["data"] for each in server.received if each["type"] == "tool_approval"][-1]
    assert last == {"approval_id": "ap", "approved": False, "feedback": "no"}


async def test_ctrl_c_cancels_the_turn_and_not_the_program(tmp_path: Path) -> None:
    async def script(peer: Peer) -> None:
        await open_turn(peer)
        os.kill(os.getpid(), signal.SIGINT)
        await peer.receive("cancel")
        await peer.send("done", 2, stop_reason="cancelled")
        await peer.stay()

    async with conversation(tmp_path, Answering(), script) as (talk, transcript, server):
        await talk.ask("count to a million")
    assert transcript.stop_reason == "cancelled"
    assert server.received[-1]["type"] == "cancel"


async def test_of_history_only_what_was_said_is_shown(tmp_path: Path) -> None:
    async def script(peer: Peer) -> None:
        await peer.receive("resume")
        await peer.send("message", 1, role="user", message_id="u", text="hi")
        await peer.send("agent", 2, to="ask", reason="because")
        await peer.send("message", 3, role="assistant", message_id="m", text="Hello.")
        await peer.send("done", 4, stop_reason="end")
        await peer.stay()

    display = Answering()
    async with conversation(tmp_path, display, script, history_to=4) as (talk, transcript, _):
        await talk.catch_up()
    assert display.notes == ["user", "answer"]
    assert not transcript.busy


async def answer_without_terminal(folder: Path, display: PlainDisplay) -> ScriptedServer:
    async def script(peer: Peer) -> None:
        await open_turn(peer)
        await peer.send("tool_call", 2, **CALL)
        await peer.receive("tool_approval")
        await peer.send("message", 3, role="assistant", message_id="m", text="**Done.**")
        await peer.send("done", 4, stop_reason="end")
        await peer.stay()

    async with conversation(folder, display, script) as (talk, _, server):
        await talk.ask("write it")
    return server


async def test_without_a_terminal_approvals_are_refused_and_it_is_said(tmp_path: Path) -> None:
    out, err = io.StringIO(), io.StringIO()
    display = PlainDisplay(approve_all=False, out=out, err=err)
    server = await answer_without_terminal(tmp_path, display)
    assert server.received[-1]["data"]["approved"] is False
    assert out.getvalue() == "**Done.**\n\n"
    assert "write_file a.py" in err.getvalue() and "--yes" in err.getvalue()


async def test_yes_approves_without_a_terminal(tmp_path: Path) -> None:
    display = PlainDisplay(approve_all=True, out=io.StringIO(), err=io.StringIO())
    server = await answer_without_terminal(tmp_path, display)
    assert server.received[-1]["data"]["approved"] is True


async def test_only_a_whole_answer_is_printed_as_one(tmp_path: Path) -> None:
    half = {"role": "assistant", "message_id": "m", "text": "Hal", "finish_reason": "interrupted"}

    async def script(peer: Peer) -> None:
        await open_turn(peer)
        await peer.send("waiting_for_model", reason="a is limited.", model="a")
        await peer.send("message", 2, **half)
        await peer.send("restarted", 3, message_id="m", reason="It broke off.", model="b")
        await peer.send("message", 4, role="assistant", message_id="n", text="Half.")
        await peer.send("done", 5, stop_reason="end")
        await peer.stay()

    out, err = io.StringIO(), io.StringIO()
    display = PlainDisplay(approve_all=False, out=out, err=err)
    async with conversation(tmp_path, display, script) as (talk, _, _):
        await talk.ask("write it")
    assert out.getvalue() == "Half.\n\n"
    assert err.getvalue().splitlines() == [
        "[waiting] a is limited. a is asked now.",
        "[broken off] Hal",
        "[again] It broke off. b answers from the start.",
    ]


async def test_json_prints_every_frame_on_a_line(tmp_path: Path) -> None:
    out = io.StringIO()
    display = JsonDisplay(approve_all=True, out=out, err=io.StringIO())
    await answer_without_terminal(tmp_path, display)
    frames = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [frame["type"] for frame in frames] == [
        "ack",
        "message",
        "tool_call",
        "message",
        "done",
    ]
