"""The log at rest: sealed, bound to its place, and read back as it was written."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from codelab.auth.api import Principal
from codelab.kit.crypto import SealBroken
from codelab.kit.db import metadata
from codelab.sdk.messages import Thinking, ToolCall
from codelab.sessions.api import Lease
from codelab.sessions.events import (
    AgentChosen,
    AnyFact,
    AssistantMessageCompleted,
    ContextCompacted,
    ToolCallCompleted,
    ToolCallRequested,
    TurnFailed,
    UserMessageReceived,
)
from codelab.sessions.models import entries, feedback, sessions
from tests.sessions.desk import ANN, SECRET, Desk

MARK = "hunter2-marked-secret"


async def write(desk: Desk, held: Lease, *facts: AnyFact) -> None:
    async with desk.first.db.transaction() as tx:
        await desk.first.turns.append(tx, held.session_id, held.turn_id, facts, held=held)


async def dump(desk: Desk) -> bytes:
    """Read every column of every table, as a dump would."""
    found: list[Any] = []
    async with desk.first.db.read() as db:
        for table in metadata.tables.values():
            for row in await db.execute(sa.select(table)):
                found.extend(row)
    return b"\0".join(value if isinstance(value, bytes) else str(value).encode() for value in found)


async def fill(desk: Desk) -> None:
    """Write the mark wherever users or models can."""
    held = await desk.held()
    await desk.first.sessions.update(ANN, desk.session_id, {"title": MARK})
    await desk.say("m")
    await desk.first.sessions.rate(ANN, desk.session_id, "m", "down", MARK)
    await write(
        desk,
        held,
        UserMessageReceived(message_id="1", text=MARK),
        AgentChosen(agent="coder", reason=MARK, prompt=MARK, task_id="t"),
        AssistantMessageCompleted(
            message_id="2",
            agent="coder",
            model="m",
            text=MARK,
            reasoning=MARK,
            thinking=Thinking(model="m", parts=({"thinking": MARK},)),
            tool_calls=(ToolCall(id="c", name="write_file", arguments=MARK),),
        ),
        ToolCallRequested(
            call_id="c",
            tool="write_file",
            agent="coder",
            parameters={"content": MARK},
            risk="high",
            preview=MARK,
        ),
        ToolCallCompleted(call_id="c", tool="write_file", ok=True, output=MARK),
        TurnFailed(code="x", message=MARK),
    )


async def test_nothing_that_was_said_stands_in_the_database(desk: Desk, tmp_path: Path) -> None:
    await fill(desk)
    assert (await desk.first.sessions.get(ANN, desk.session_id)).title == MARK
    content = await dump(desk)
    assert desk.session_id.encode() in content
    assert MARK.encode() not in content
    files = await asyncio.to_thread(lambda: list(tmp_path.glob("codelab.sqlite3*")))
    assert bool(files) == desk.database_url.startswith("sqlite")
    for file in files:
        assert MARK.encode() not in await asyncio.to_thread(file.read_bytes)


async def test_equal_texts_are_sealed_differently(desk: Desk) -> None:
    held = await desk.held()
    same = UserMessageReceived(message_id="1", text=MARK)
    await write(desk, held, same, same)
    async with desk.first.db.read() as db:
        first, second = (await db.scalars(sa.select(entries.c.body).where(entries.c.seq > 1))).all()
    assert first != second
    assert first[-16:] != second[-16:]


@pytest.mark.parametrize("table", [entries, sessions, feedback], ids=lambda table: table.name)
async def test_a_flipped_byte_is_an_error(desk: Desk, table: sa.Table) -> None:
    await fill(desk)
    reads = desk.first.sessions
    ways: dict[str, tuple[str, Callable[[Principal, str], Awaitable[object]]]] = {
        "session_entries": ("body", reads.entries),
        "sessions": ("title", reads.get),
        "feedback": ("comment", reads.feedback),
    }
    column, read = ways[table.name]
    async with desk.first.db.transaction() as tx:
        sealed = bytearray((await tx.execute(sa.select(table.c[column]))).scalars().first() or b"")
        sealed[-1] ^= 1
        await tx.execute(sa.update(table).values({column: bytes(sealed)}))
    with pytest.raises(SealBroken) as broken:
        await read(ANN, desk.session_id)
    assert MARK not in broken.value.message


@pytest.mark.parametrize("where", ["another place", "another session"])
async def test_an_entry_that_was_moved_is_an_error(desk: Desk, where: str) -> None:
    held = await desk.held()
    await write(desk, held, UserMessageReceived(message_id="1", text="moved"))
    other = await desk.first.sessions.create(ANN, desk.workspace_id)
    changes = {"seq": 7} if where == "another place" else {"session_id": other.id}
    async with desk.first.db.transaction() as tx:
        await tx.execute(sa.update(entries).where(entries.c.seq == 2).values(changes))
    read = desk.session_id if where == "another place" else other.id
    with pytest.raises(SealBroken):
        await desk.first.sessions.entries(ANN, read)


async def test_keys_rotate(desk: Desk) -> None:
    await fill(desk)
    newer = "another secret of the tests that is long enough"
    rotated, strange = desk.office(newer, SECRET), desk.office(newer)
    assert (await rotated.sessions.get(ANN, desk.session_id)).title == MARK
    assert await rotated.sessions.entries(ANN, desk.session_id) == await desk.log()
    with pytest.raises(SealBroken, match="CODELAB_SECRET_KEYS_PREVIOUS"):
        await strange.sessions.get(ANN, desk.session_id)


async def test_the_conversation_is_what_was_said_in_earlier_turns(desk: Desk) -> None:
    held = await desk.held()
    await write(
        desk,
        held,
        AgentChosen(agent="orchestrator", reason="."),
        AssistantMessageCompleted(
            message_id="2",
            agent="orchestrator",
            model="m",
            text="root",
            tool_calls=(ToolCall(id="c1", name="delegate", arguments="{}"),),
        ),
        AgentChosen(agent="coder", reason=".", task_id="c1", prompt="inner"),
        AssistantMessageCompleted(
            message_id="3", agent="coder", model="m", text="inner", task_id="c1"
        ),
        ToolCallCompleted(call_id="c2", tool="read_file", ok=True, output="inner", task_id="c1"),
        ToolCallCompleted(call_id="c1", tool="delegate", ok=True, output="report"),
        TurnFailed(code="x", message="not said by anybody"),
    )
    await desk.first.end(held)
    now = await desk.held()
    earlier = await desk.first.turns.earlier(desk.session_id, now.turn_id)
    assert [one.seq for one in earlier.said] == [1, 3, 7]
    assert [one.key for one in earlier.said[1:]] == ["2", "c1"]
    assert (earlier.agent, earlier.compactions) == ("orchestrator", ())


async def test_what_is_hidden_for_good_is_not_read(desk: Desk) -> None:
    held = await desk.held()
    hidden = ContextCompacted(agent="coder", hidden=("x",), hidden_through_seq=2)
    answers = [
        AssistantMessageCompleted(message_id=name, agent="coder", model="m", text=name)
        for name in ("2", "3")
    ]
    await write(desk, held, *answers, hidden, AgentChosen(agent="coder", reason="."))
    await desk.first.end(held)
    earlier = await desk.first.turns.earlier(desk.session_id)
    assert [one.key for one in earlier.said] == ["3"]
    assert (earlier.agent, earlier.compactions) == ("coder", (hidden,))
    record = await desk.first.sessions.get(ANN, desk.session_id)
    await desk.first.sessions.between.restore(record, 4, by="ann")
    earlier = await desk.first.turns.earlier(desk.session_id)
    assert [one.seq for one in earlier.said] == [1, 2, 3]
    assert earlier.compactions == ()
