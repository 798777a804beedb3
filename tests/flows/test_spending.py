"""Caps on a running server: the interface shows the table's figures, lost money comes back."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from tests.conftest import Stores
from tests.flows.harness import (
    Client,
    CodeLab,
    Frame,
    collect,
    of_type,
    send,
    signed_in,
)
from tests.flows.installations import Installations
from tests.model_server.process import ModelServer
from tests.model_server.script import Reply, ToolCall, Usage

PRICES = """\
    model_info:
      input_cost_per_token: 0.00001
      output_cost_per_token: 0.0001
      max_output_tokens: 500
"""
LOOK = ToolCall("list_files", {"path": "."})


@pytest.fixture
async def codelab(
    tmp_path: Path,
    project: Path,
    stores: Stores,
    models_yaml: str,
    installations: Installations,
) -> AsyncIterator[CodeLab]:
    """A server with caps, and a model with a price."""
    caps = {"CODELAB_TURN_BUDGET_USD": "0.3", "CODELAB_USER_DAY_BUDGET_USD": "5"}
    server = CodeLab(tmp_path, project, stores, models_yaml + PRICES, caps)
    installations.furnish(server)
    await server.start()
    try:
        yield server
    finally:
        server.stop()


async def of_turns(client: Client, session_id: str) -> list[Any]:
    """Add up a session's calls by turn, as the table holds them."""
    report = await client.call("GET", f"usage?group=turn&session_id={session_id}")
    sums: list[Any] = report["sums"]
    return sums


def done(frames: list[Frame]) -> Any:
    """What the last frame says."""
    (data,) = of_type(frames, "done")
    return data


async def test_the_last_frame_says_what_the_table_holds_until_a_cap_ends_the_turn(
    client: Client, model_server: ModelServer, model_key: str
) -> None:
    used = Usage(700, 70)
    await model_server.script(
        model_key,
        [
            Reply(tool_calls=[LOOK], usage=used),
            Reply(text="A shop.", usage=used),
            Reply(text="Let me see.", tool_calls=[LOOK], usage=Usage(9000, 500), repeat=True),
        ],
    )
    session_id = await client.new_session()
    frames = await client.turn(session_id, "What is this?")
    (turn,) = await of_turns(client, session_id)
    usage = done(frames)["usage"]
    assert usage["cost_usd"] == turn["cost_usd"] == 0.028
    assert sum(frame["cost_usd"] for frame in of_type(frames, "usage")) == usage["cost_usd"]
    assert (usage["input_tokens"], usage["output_tokens"]) == (1400, 140)
    assert turn["calls"] == len(of_type(frames, "usage")) == 2

    frames = await client.turn(session_id, "What else?")
    assert done(frames)["stop_reason"] == "budget"
    (error,) = of_type(frames, "error")
    assert (error["code"], error["retryable"]) == ("budget_exhausted", False)
    assert "turn" in error["message"]
    by_cost = {one["cost_usd"] for one in await of_turns(client, session_id)}
    assert by_cost == {0.028, done(frames)["usage"]["cost_usd"]}
    limits = await client.call("GET", "usage/limits")
    assert [cap["scope"] for cap in limits["caps"]] == ["user"]
    assert limits["caps"][0]["spent_usd"] == pytest.approx(sum(by_cost))
    assert limits["caps"][0]["reserved_usd"] == 0


async def test_the_money_of_a_call_that_died_with_its_server_comes_back(
    codelab: CodeLab, stores: Stores, model_server: ModelServer, model_key: str
) -> None:
    await model_server.script(
        model_key,
        [
            Reply(text="word " * 100, token_delay_s=0.1),
            Reply(text="Here you are.", usage=Usage(700, 70)),
        ],
    )
    async with signed_in(codelab) as client:
        session_id = await client.new_session()
        async with client.socket() as socket:
            await send(socket, "chat", session_id, message="@ask What is this?")
            async for text in socket:
                if msgspec.json.decode(text)["type"] == "token":
                    break
            held = (await client.call("GET", "usage/limits"))["caps"][0]
            assert held["reserved_usd"] > 0.05
            codelab.stop(signal.SIGKILL)
    engine = create_async_engine(stores.database_url)
    async with engine.begin() as db:
        # As two minutes later.
        await db.execute(sa.text("UPDATE llm_reservations SET expires_at = '2020-01-01 00:00:00'"))
    await engine.dispose()
    await codelab.start()
    async with signed_in(codelab) as client:
        async with client.socket() as socket:
            await send(socket, "resume", session_id, last_seq=0)
            frames = await collect(socket, session_id)
        assert done(frames)["stop_reason"] == "end"
        by_turn = {one["key"]: one for one in await of_turns(client, session_id)}
        lost = by_turn.pop("")
        (turn,) = by_turn.values()
        # The call that died is in neither figure of the turn; its session pays what was held.
        assert done(frames)["usage"]["cost_usd"] == turn["cost_usd"] == 0.014
        assert (lost["failed_calls"], lost["output_tokens"], lost["estimated"]) == (1, 0, True)
        assert lost["cost_usd"] == held["reserved_usd"] > 0
        (cap,) = (await client.call("GET", "usage/limits"))["caps"]
        assert cap["reserved_usd"] == 0
        assert cap["spent_usd"] == pytest.approx(turn["cost_usd"] + lost["cost_usd"])
