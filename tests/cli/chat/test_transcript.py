"""What frames add up to."""

from __future__ import annotations

from typing import Any

import msgspec

from codelab.cli.chat.frames import Frame, request
from codelab.cli.chat.transcript import Transcript


def frame(kind: str, seq: int | None = None, **data: Any) -> Frame:
    epoch = None if seq is None else 1
    return Frame(type=kind, session_id="s", data=data, seq=seq, epoch=epoch)


def token(text: str, offset: int) -> Frame:
    return frame("token", message_id="m", agent="coder", text=text, offset=offset)


def call(seq: int, call_id: str = "c", **data: Any) -> Frame:
    known = {"tool": "edit_file", "parameters": {"path": "a.py"}, "agent": "coder", "risk": "high"}
    return frame("tool_call", seq, call_id=call_id, **known, **data)


def test_pieces_become_a_message() -> None:
    transcript = Transcript("s")
    transcript.apply(token("Hel", 0))
    transcript.apply(token("lo", 3))
    assert transcript.writing["m"].text == "Hello"
    note = transcript.apply(
        frame("message", 2, role="assistant", message_id="m", text="Hello!", agent="coder")
    )
    assert note is not None and note.answer is not None
    assert (note.kind, note.answer.text, note.answer.agent) == ("answer", "Hello!", "coder")
    assert transcript.writing == {}


def test_pieces_that_repeat_or_leave_a_gap_wait_for_the_whole() -> None:
    transcript = Transcript("s")
    transcript.apply(token("Hel", 0))
    transcript.apply(token("Hel", 0))
    transcript.apply(token("world", 6))
    assert transcript.writing["m"].text == "Hel"


def test_reasoning_is_not_part_of_the_answer() -> None:
    transcript = Transcript("s")
    transcript.apply(frame("token", message_id="m", text="hm", offset=0, reasoning=True))
    assert transcript.writing == {}


def test_a_durable_frame_counts_once() -> None:
    transcript = Transcript("s")
    usage = frame("usage", 1, input_tokens=10, output_tokens=5, cost_usd=0.5, model="m")
    transcript.apply(usage)
    transcript.apply(usage)
    assert (transcript.input_tokens, transcript.output_tokens, transcript.cost_usd) == (10, 5, 0.5)
    assert (transcript.last_seq, transcript.epoch) == (1, 1)


def test_a_new_epoch_counts_anew() -> None:
    transcript = Transcript("s")
    transcript.apply(frame("usage", 5, input_tokens=1))
    other = Frame(type="usage", session_id="s", data={"input_tokens": 2}, seq=1, epoch=2)
    transcript.apply(other)
    assert transcript.input_tokens == 3
    assert (transcript.last_seq, transcript.epoch) == (1, 2)


def test_frames_of_other_sessions_are_not_ours() -> None:
    transcript = Transcript("s")
    transcript.apply(Frame(type="state", session_id="other", data={"state": "waiting"}))
    assert transcript.state == "idle"


def test_a_call_waits_until_it_is_answered_and_runs_until_its_result() -> None:
    transcript = Transcript("s")
    transcript.apply(call(1, requires_approval=True, approval_id="a", preview="+x"))
    assert [waiting.preview for waiting in transcript.waiting] == ["+x"]
    transcript.apply(frame("approval", 2, approval_id="a", status="approved", by="ann"))
    assert not transcript.waiting
    assert [running.call_id for running in transcript.running] == ["c"]
    note = transcript.apply(frame("tool_result", 3, call_id="c", ok=True, output=""))
    assert note is not None and note.call is not None and note.call.tool == "edit_file"
    assert not transcript.running


def test_a_rejected_call_neither_waits_nor_runs() -> None:
    transcript = Transcript("s")
    transcript.apply(call(1, requires_approval=True, approval_id="a"))
    transcript.apply(frame("approval", 2, approval_id="a", status="rejected", by="ann"))
    assert not transcript.waiting and not transcript.running


def test_a_stale_approval_asks_again_with_the_new_preview() -> None:
    transcript = Transcript("s")
    transcript.apply(call(1, requires_approval=True, approval_id="a", preview="old"))
    transcript.apply(frame("approval", 2, approval_id="a", status="approved", by="ann"))
    transcript.apply(call(3, requires_approval=True, approval_id="b", preview="new"))
    assert [(each.approval_id, each.preview) for each in transcript.waiting] == [("b", "new")]


def test_a_turn_is_busy_from_its_message_to_its_end() -> None:
    transcript = Transcript("s")
    transcript.apply(frame("message", 1, role="user", message_id="u", text="hi"))
    assert transcript.busy
    transcript.apply(call(2))
    transcript.apply(frame("done", 3, stop_reason="cancelled"))
    assert not transcript.busy
    assert transcript.stop_reason == "cancelled"
    assert not transcript.running


def test_a_refused_message_ends_the_wait_and_another_refusal_does_not() -> None:
    transcript = Transcript("s")
    chat = request("chat", "s", message="hi")
    transcript.asked(chat.id)
    answer = Frame(type="error", id="other", data={"code": "conflict", "message": "no"})
    transcript.apply(answer)
    assert transcript.busy
    transcript.apply(Frame(type="error", id=chat.id, data={"code": "x", "message": "no"}))
    assert not transcript.busy
    assert transcript.stop_reason == "error"


def test_unknown_frames_change_nothing() -> None:
    transcript = Transcript("s")
    assert transcript.apply(frame("weather", 1, sun=True)) is None
    assert transcript.last_seq == 1


def test_frames_without_their_fields_do_no_harm() -> None:
    for kind in (
        "token",
        "message",
        "tool_call",
        "tool_result",
        "approval",
        "plan",
        "usage",
        "state",
        "agent",
        "error",
        "done",
    ):
        Transcript("s").apply(frame(kind))


def test_forgetting_asks_for_everything_again() -> None:
    transcript = Transcript("s")
    transcript.apply(call(4, requires_approval=True, approval_id="a"))
    transcript.forget()
    assert (transcript.last_seq, transcript.epoch, transcript.calls) == (0, 0, {})


def test_an_answer_that_broke_off_is_no_answer() -> None:
    transcript = Transcript("s")
    transcript.apply(frame("token", message_id="m1", agent="ask", text="Hal", offset=0))
    half = frame("message", 1, message_id="m1", role="assistant", text="Hal", agent="ask")
    half = msgspec.structs.replace(half, data={**half.data, "finish_reason": "interrupted"})
    note = transcript.apply(half)
    assert note and note.kind == "broken_off"
    again = transcript.apply(frame("restarted", 2, message_id="m1", reason="It broke off."))
    assert again and again.kind == "restarted"
    assert transcript.writing == {}
