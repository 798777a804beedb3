"""Usage: written in batches, added up for those who may see it; and the limit per user."""

from __future__ import annotations

import msgspec
import pytest
import sqlalchemy as sa

from codelab.auth.models import users
from codelab.kit.errors import RateLimited
from codelab.llm.accounting.estimates import estimate_usage
from codelab.llm.accounting.repository import UsageRepository, usage_row
from codelab.llm.accounting.usage import UsageWriter
from codelab.llm.api import Attribution, UsageFilter, UsageGroup
from codelab.llm.models import llm_usage
from codelab.sdk.messages import AssistantMessage, SystemMessage, ToolCall, ToolMessage
from codelab.sdk.model import ModelRequest, Usage
from tests.llm.conftest import add_user
from tests.llm.layer import READ_FILE, Heard, Layer, ask, eventually, request
from tests.model_server import script
from tests.model_server.script import Reply

pytestmark = pytest.mark.filterwarnings("default")


async def test_each_call_is_a_row(any_layer: Layer) -> None:
    layer, user_id = any_layer, await add_user(any_layer.db)
    entry = layer.entry("openai")
    entry["model_info"] = {"input_cost_per_token": 0.01, "output_cost_per_token": 0.1}
    models = layer.build(entry)
    await layer.script(
        Reply(text="a", usage=script.Usage(10, 2, cached=4)),
        Reply(text="b", usage=script.Usage(5, 1)),
        Reply(status=401),
    )
    await ask(models, "openai", user_id=user_id)
    await ask(models, "openai", user_id=user_id)
    with pytest.raises(Exception, match="refused the key"):
        await ask(models, "openai", user_id=user_id)
    groups: list[tuple[UsageGroup, str]] = [
        ("agent", "ask"),
        ("model", "openai"),
        ("user", user_id),
        ("session", "s" * 32),
    ]
    for group, key in groups:
        [total] = await models.usage(group, UsageFilter(user_id=user_id))
        assert total.key == key
        assert (total.calls, total.failed_calls) == (3, 1)
        assert (total.input_tokens, total.output_tokens, total.cached_tokens) == (15, 3, 4)
        assert total.cost_usd == pytest.approx(15 * 0.01 + 3 * 0.1)
        assert not total.estimated
    assert await models.usage("day", UsageFilter(user_id="nobody")) == []
    [day] = await models.usage("day", UsageFilter())
    assert await models.usage("day", UsageFilter(since=day.key, until=day.key)) == [day]
    assert await models.usage("day", UsageFilter(since="2999-01-01")) == []
    assert await models.usage("day", UsageFilter(until="1999-01-01")) == []


async def test_the_event_the_completion_and_the_table_agree(layer: Layer, user_id: str) -> None:
    models = layer.build(layer.entry("openai"))
    await layer.script(Reply(text="one two", delay_s=0.05, usage=script.Usage(7, 3)))
    completion = await ask(models, "openai", user_id=user_id)
    [call] = layer.calls
    assert call.usage == completion.usage
    assert (call.user_id, call.agent, call.provider) == (user_id, "ask", "openai")
    assert call.first_token_ms is not None
    assert 40 <= call.first_token_ms <= call.duration_ms
    [total] = await models.usage("user", UsageFilter(user_id=user_id))
    assert (total.input_tokens, total.output_tokens) == (7, 3)


async def test_rows_are_written_by_themselves_and_at_the_end(layer: Layer, user_id: str) -> None:
    models = layer.build(layer.entry("openai"))
    await layer.script(Reply(text="a", repeat=True))
    await ask(models, "openai", user_id=user_id)

    async def is_written() -> bool:
        return await count(layer) == 1

    await eventually(is_written)
    await ask(models, "openai", user_id=user_id)
    await models.close()
    assert await count(layer) == 2


async def test_many_rows_go_in_one_batch_and_deleted_users_are_left_out(
    any_layer: Layer,
) -> None:
    layer = any_layer
    staying, leaving = await add_user(layer.db), await add_user(layer.db)
    models = layer.build(layer.entry("openai"))
    await layer.script(Reply(text="a", repeat=True))
    for user_id in (staying, leaving, staying, ""):
        await ask(models, "openai", user_id=user_id)
    async with layer.db.transaction() as tx:
        await tx.execute(sa.delete(users).where(users.c.id == leaving))
    await models.close()
    assert await count(layer) == 3
    writer = UsageWriter(UsageRepository(layer.db))
    for call in [layer.calls[0]] * 250:
        writer.add(usage_row(call))
    await writer.close()
    assert await count(layer) == 253
    async with layer.db.transaction() as tx:
        await tx.execute(sa.delete(users).where(users.c.id == staying))
    assert await count(layer) == 1


async def test_a_row_that_no_database_takes_takes_no_other_down(any_layer: Layer) -> None:
    layer = any_layer
    models = layer.build(layer.entry("openai"))
    await layer.script(Reply(text="a"))
    await ask(models, "openai")
    await models.close()
    [good] = layer.calls
    bad = msgspec.structs.replace(good, usage=Usage(input_tokens=2**66))
    writer = UsageWriter(UsageRepository(layer.db))
    for call in (good, bad, good, good):
        writer.add(usage_row(call))
    await writer.close()
    assert await count(layer) == 4
    assert writer.lost == 1


async def test_the_limit_per_user_and_hour(layer: Layer, user_id: str) -> None:
    models = layer.build(layer.entry("openai"), requests_per_hour=2)
    await layer.script(Reply(text="a", repeat=True))
    await ask(models, "openai", user_id=user_id)
    await ask(models, "openai", user_id=user_id)
    with pytest.raises(RateLimited) as caught:
        await ask(models, "openai", user_id=user_id)
    assert caught.value.retry_after_s is not None
    assert caught.value.retry_after_s > 0
    assert len(await layer.seen()) == 2
    other = await add_user(layer.db)
    attribution = Attribution(user_id=other)
    answer = await models.stream(request("openai"), Heard(), attribution=attribution)
    assert answer.text == "a"


def test_estimates_count_everything_that_is_sent() -> None:
    call = ToolCall(id="c", name="read", arguments="x" * 400)
    asked = ModelRequest(
        model="m",
        messages=(
            SystemMessage(text="s" * 400),
            AssistantMessage(text="a" * 400, tool_calls=(call,)),
            ToolMessage(call_id="c", name="read", content="t" * 400),
        ),
    )
    usage = estimate_usage(asked, 401)
    assert usage.estimated
    assert 400 <= usage.input_tokens <= 440
    assert usage.output_tokens == 101
    with_tools = ModelRequest(model="m", messages=asked.messages, tools=(READ_FILE,))
    assert estimate_usage(with_tools, 0).input_tokens > usage.input_tokens
    assert estimate_usage(ModelRequest(model="m", messages=()), 0) == Usage(estimated=True)


async def count(layer: Layer) -> int:
    async with layer.db.read() as connection:
        return int(await connection.scalar(sa.select(sa.func.count()).select_from(llm_usage)) or 0)
