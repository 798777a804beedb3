"""Each fact of the log has its frame, and no frame is too large to be sent."""

from datetime import UTC, datetime
from typing import Any, get_args

import msgspec
import pytest

from codelab.gateway.client_frames import MAX_FRAME_BYTES
from codelab.gateway.encoding import stored
from codelab.gateway.server_frames import AnyServerFrame
from codelab.sdk.model import Usage
from codelab.sessions import events
from codelab.sessions.events import AnyFact, Entry

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
USAGE = Usage(input_tokens=5, output_tokens=7, cost_usd=0.25)
FACTS: list[tuple[AnyFact, str, dict[str, Any]]] = [
    (
        events.UserMessageReceived(message_id="m1", text="hello", agent="coder"),
        "message",
        {"message_id": "m1", "role": "user", "text": "hello", "agent": "coder"},
    ),
    (
        events.AgentChosen(agent="coder", reason="it says write", previous="ask"),
        "agent",
        {"from": "ask", "to": "coder", "reason": "it says write"},
    ),
    (
        events.ContentAttached(
            to="m1",
            attachments=(
                events.Attachment(path="a.py", text="x = 1", truncated=True),
                events.Attachment(path="b.py", refused="it is gone."),
                events.Attachment(path="c.py", kind="found", first=3, last=4, text="def"),
            ),
        ),
        "attached",
        {
            "to": "m1",
            "attachments": [
                {"path": "a.py", "kind": "file", "characters": 5, "truncated": True},
                {"path": "b.py", "kind": "file", "refused": "it is gone."},
                {"path": "c.py", "kind": "found", "first": 3, "last": 4, "characters": 3},
            ],
        },
    ),
    (
        events.ContextCompacted(
            agent="coder",
            model="m",
            aged=("c1",),
            hidden=("m1", "m2"),
            summary="So far.",
            hidden_messages=2,
            tokens_before=90,
            tokens_after=70,
        ),
        "compacted",
        {
            "hidden_messages": 2,
            "aged_results": 1,
            "tokens_before": 90,
            "tokens_after": 70,
            "agent": "coder",
            "model": "m",
            "summary": "So far.",
        },
    ),
    (
        events.ContextRestored(compaction_seq=7, by="ann"),
        "restored",
        {"compaction_seq": 7, "by": "ann"},
    ),
    (
        events.CheckpointTaken(
            checkpoint_id="k2",
            base_id="k1",
            agent="coder",
            tool="write_file",
            call_id="c1",
            changes=(events.ChangedFile(path="a", after=events.FileVersion("b", "100644")),),
            left_out=("big.bin",),
        ),
        "checkpoint",
        {
            "checkpoint_id": "k2",
            "changed_files": 1,
            "files": ["a"],
            "left_out": ["big.bin"],
            "call_id": "c1",
            "tool": "write_file",
            "agent": "coder",
        },
    ),
    (
        events.CheckpointMissed(reason="The disk is full.", call_id="c1"),
        "checkpoint_missed",
        {"reason": "The disk is full.", "call_id": "c1"},
    ),
    (
        events.CheckpointRestored(
            restoration_id="k3",
            checkpoint_id="k1",
            through_seq=4,
            conversation=True,
            changes=(events.ChangedFile(path="a", before=events.FileVersion("b", "100644")),),
            conflicts=(events.LeftAlone(path="c", reason="changed_since"),),
            by="ann",
        ),
        "checkpoint_restored",
        {
            "checkpoint_id": "k1",
            "restoration_id": "k3",
            "through_seq": 4,
            "conversation": True,
            "restored_files": 1,
            "conflicting_files": 1,
            "by": "ann",
            "files": ["a"],
            "conflicts": [{"path": "c", "reason": "changed_since"}],
        },
    ),
    (
        events.PlanUpdated(steps=(events.PlanStep(id="1", title="Read", agent="ask"),)),
        "plan",
        {"steps": [{"id": "1", "title": "Read", "agent": "ask", "status": "pending"}]},
    ),
    (
        events.AssistantMessageCompleted(message_id="m2", agent="ask", model="m", text="Hi."),
        "message",
        {"message_id": "m2", "role": "assistant", "text": "Hi.", "finish_reason": "stop"},
    ),
    (
        events.AnswerRestarted(
            message_id="m2", agent="ask", failed_model="m", model="n", reason="It broke off."
        ),
        "restarted",
        {"message_id": "m2", "failed_model": "m", "model": "n", "reason": "It broke off."},
    ),
    (
        events.ToolCallRequested(
            call_id="c1",
            tool="write_file",
            agent="coder",
            parameters={"path": "a"},
            risk="high",
            requires_approval=True,
            approval_id="a1",
            expires_at=AT,
            preview="+a",
        ),
        "tool_call",
        {
            "call_id": "c1",
            "tool": "write_file",
            "parameters": {"path": "a"},
            "agent": "coder",
            "risk": "high",
            "requires_approval": True,
            "approval_id": "a1",
            "expires_at": "2026-01-02T03:04:05Z",
            "preview": "+a",
        },
    ),
    (
        events.ToolCallCompleted(call_id="c1", tool="write_file", ok=True, output="done"),
        "tool_result",
        {"call_id": "c1", "ok": True, "output": "done", "truncated": False, "duration_ms": 0},
    ),
    (
        events.ApprovalAnswered(approval_id="a1", call_id="c1", status="approved", by="ada"),
        "approval",
        {"approval_id": "a1", "status": "approved", "by": "ada"},
    ),
    (
        events.UsageRecorded(agent="ask", model="m", usage=USAGE),
        "usage",
        {"input_tokens": 5, "output_tokens": 7, "cost_usd": 0.25, "model": "m"},
    ),
    (
        events.TurnFailed(code="no_model", message="Set one."),
        "error",
        {"code": "no_model", "message": "Set one.", "retryable": False},
    ),
    (
        events.TurnEnded(message_id="m2", stop_reason="end", duration_ms=9, usage=USAGE),
        "done",
        {"message_id": "m2", "stop_reason": "end", "duration_ms": 9},
    ),
]


def entry(fact: AnyFact) -> Entry:
    return Entry(seq=12, epoch=3, turn_id="t1", at=AT, fact=fact)


def test_every_fact_has_an_example_here() -> None:
    assert {type(fact) for fact, _, _ in FACTS} == set(get_args(AnyFact))


@pytest.mark.parametrize(("fact", "kind", "data"), FACTS)
def test_a_fact_becomes_its_durable_frame(fact: AnyFact, kind: str, data: dict[str, Any]) -> None:
    item = stored("s1", entry(fact))
    frame = msgspec.json.decode(item.frame)
    assert (item.kind, item.seq) == (kind, 12)
    assert frame["type"] == kind
    assert (frame["session_id"], frame["seq"], frame["epoch"]) == ("s1", 12, 3)
    assert {key: frame["data"][key] for key in data} == data
    msgspec.json.decode(item.frame, type=AnyServerFrame)


@pytest.mark.parametrize(
    "fact",
    [
        events.ToolCallCompleted(call_id="c", tool="t", ok=True, output="ж" * 2_000_000),
        events.ToolCallRequested(
            call_id="c",
            tool="write_file",
            agent="coder",
            parameters={"content": "\n" * 900_000, "path": "a.txt"},
            risk="high",
            preview="+\n" * 900_000,
        ),
        events.ToolCallRequested(
            call_id="c",
            tool="t",
            agent="coder",
            parameters={str(number): "x" * 90 for number in range(20_000)},
            risk="low",
        ),
        events.AssistantMessageCompleted(message_id="m", agent="a", model="m", text='"' * 600_000),
    ],
)
def test_a_frame_fits_whatever_is_in_it(fact: AnyFact) -> None:
    item = stored("s1", entry(fact))
    assert len(item.frame.encode()) <= MAX_FRAME_BYTES
    assert msgspec.json.decode(item.frame)["data"]["shortened"] is True
