"""Answers that are given again: which are kept, for whom, and what makes one forgotten."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelab.kit.cache import MemoryCache, open_cache
from codelab.kit.errors import CodeLabError, RateLimited
from codelab.llm.accounting.repository import UsageFilter
from codelab.llm.api import ResponseCache
from codelab.llm.catalog.entries import ModelEntry, hide
from codelab.llm.response_cache import (
    WithResponseCache,
    doubted,
    fingerprint,
    is_large,
    replay,
    request_key,
    worth_keeping,
)
from codelab.sdk.messages import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from codelab.sdk.model import Completion, Delta, ModelRequest, OnDelta, Usage
from tests.llm.layer import ASK, READ_FILE, Heard, Layer, ask
from tests.model_server import script
from tests.model_server.script import Reply

SECRET = "kV3mJ0pQ8xZ2tB7nL5cR9wY1sD4fG6hA-uEoTiKbNqM"
ENTRY = ModelEntry(name="m", model="openai/m")
CALL = ToolCall(id="c1", name="read_file", arguments='{"path": "a.py"}')


class Scripted:
    """A model that answers each call with the next answer, or refuses."""

    def __init__(self, *answers: Completion | CodeLabError) -> None:
        self._answers = list(answers)
        self.calls = 0

    async def stream(self, request: ModelRequest, on_delta: OnDelta) -> Completion:
        self.calls += 1
        answer = self._answers.pop(0)
        if isinstance(answer, CodeLabError):
            raise answer
        on_delta(Delta(answer.text))
        return answer


@pytest.fixture(params=["memory", "redis"])
async def cache(request: pytest.FixtureRequest) -> AsyncIterator[ResponseCache]:
    url = request.getfixturevalue("redis_url") if request.param == "redis" else ""
    made = ResponseCache(open_cache("answers", url, [SECRET], memory_bytes=10**6), 60)
    yield made
    await made.close()


def said(text: str, **fields: Any) -> Completion:
    return msgspec.structs.replace(Completion(model="m", text=text), **fields)


def asked(*messages: Message, **fields: Any) -> ModelRequest:
    made = ModelRequest(model="m", messages=messages or ASK, tools=(READ_FILE,))
    return msgspec.structs.replace(made, **fields)


def through(
    cache: ResponseCache,
    model: Scripted,
    *,
    owner: str = "ann",
    entry: ModelEntry = ENTRY,
    fresh: bool = False,
) -> WithResponseCache:
    return WithResponseCache(model, cache, entry=entry, owner=owner, fresh=fresh)


async def test_the_second_identical_request_is_answered_without_a_call(
    cache: ResponseCache,
) -> None:
    long = "Ein langer Satz mit Umlauten, äöü. " * 100
    whole = said(
        long,
        reasoning="First I think. " * 20,
        tool_calls=(CALL, CALL),
        finish_reason="tool_calls",
        usage=Usage(input_tokens=7, output_tokens=3, cached_tokens=2, cost_usd=0.5),
    )
    model, heard = Scripted(whole), Heard()
    client = through(cache, model)
    assert await client.stream(asked(), Heard()) == whole
    again = await client.stream(asked(), heard)
    assert (model.calls, cache.looked_up()) == (1, (1, 1))
    assert (heard.text, heard.reasoning) == (long, whole.reasoning)
    assert len(heard.deltas) > 20, "it comes as a stream"
    firsts = [bool(delta.reasoning) for delta in heard.deltas]
    assert firsts == sorted(firsts, reverse=True), "the reasoning comes first"
    assert again.from_cache and again.usage.cost_usd == 0
    assert (again.usage.input_tokens, again.usage.output_tokens) == (7, 3)
    ids = {call.id for call in again.tool_calls}
    assert len(ids) == 2 and "c1" not in ids, "calls are told apart within one conversation"
    plain = msgspec.structs.replace
    assert [plain(call, id="c1") for call in again.tool_calls] == [CALL, CALL]


@pytest.mark.parametrize(
    "other",
    [
        asked(UserMessage(text="Hello!")),
        asked(tools=()),
        asked(max_output_tokens=5),
        asked(temperature=0.0),
    ],
)
def test_a_different_request_has_a_key_of_its_own(other: ModelRequest) -> None:
    assert request_key(other, "scope") != request_key(asked(), "scope")
    assert request_key(asked(), "another") != request_key(asked(), "scope")


def test_a_model_is_known_by_all_that_its_entry_says_but_no_secret() -> None:
    def entry(**params: Any) -> ModelEntry:
        return ModelEntry(name="m", model="openai/m", params=hide(params))

    plain = fingerprint(entry(api_base="http://a", api_key="sk-1"))
    assert plain == fingerprint(entry(api_key="sk-2", api_base="http://a"))
    assert plain != fingerprint(entry(api_base="http://b", api_key="sk-1"))
    assert plain != fingerprint(entry(api_base="http://a", api_key="os.environ/KEY"))
    assert plain != fingerprint(
        msgspec.structs.replace(entry(api_base="http://a", api_key="sk-1"), model="openai/n")
    )


async def test_users_do_not_share_answers(cache: ResponseCache) -> None:
    model = Scripted(said("for ann"), said("for ben"))
    assert (await through(cache, model).stream(asked(), Heard())).text == "for ann"
    assert (await through(cache, model, owner="ben").stream(asked(), Heard())).text == "for ben"
    assert (await through(cache, model).stream(asked(), Heard())).text == "for ann"


@pytest.mark.parametrize(
    "answer",
    [
        said("cut of", finish_reason="length"),
        said("", finish_reason="content_filter"),
        said("", finish_reason="stop"),
        said("", tool_calls=(msgspec.structs.replace(CALL, arguments='{"path": '),)),
        said("", tool_calls=(msgspec.structs.replace(CALL, arguments='"a.py"'),)),
        said("", tool_calls=(msgspec.structs.replace(CALL, name="read_the_file"),)),
    ],
)
def test_what_is_not_whole_or_cannot_be_carried_out_is_not_kept(answer: Completion) -> None:
    assert not worth_keeping(asked(), answer)


async def test_another_models_answer_and_a_failure_are_not_kept(cache: ResponseCache) -> None:
    failure = CodeLabError("No.")
    model = Scripted(said("I stood in", model="other"), failure, said("mine"))
    client = through(cache, model)
    assert (await client.stream(asked(), Heard())).text == "I stood in"
    with pytest.raises(CodeLabError):
        await client.stream(asked(), Heard())
    assert (await client.stream(asked(), Heard())).text == "mine"
    assert (await client.stream(asked(), Heard())).from_cache


async def test_a_very_large_answer_is_not_kept(cache: ResponseCache) -> None:
    model = Scripted(said("x" * 300_000), said("short"))
    await through(cache, model).stream(asked(), Heard())
    assert (await through(cache, model).stream(asked(), Heard())).text == "short"


async def test_whoever_wants_a_fresh_answer_gets_one_and_it_is_kept(cache: ResponseCache) -> None:
    model = Scripted(said("old"), said("new"), said("cut", finish_reason="length"), said("last"))
    await through(cache, model).stream(asked(), Heard())
    assert (await through(cache, model, fresh=True).stream(asked(), Heard())).text == "new"
    assert (await through(cache, model).stream(asked(), Heard())).text == "new"
    assert (await through(cache, model, fresh=True).stream(asked(), Heard())).text == "cut"
    assert (await through(cache, model).stream(asked(), Heard())).text == "last"


async def test_calls_are_compared_by_their_place_and_not_by_their_ids(
    cache: ResponseCache,
) -> None:
    def after(call_id: str, result_of: str) -> ModelRequest:
        call = msgspec.structs.replace(CALL, id=call_id)
        other = msgspec.structs.replace(CALL, id=f"{call_id}-other")
        message = AssistantMessage(tool_calls=(call, other))
        result = ToolMessage(call_id=result_of, name="read_file", content="1")
        return asked(*ASK, message, result)

    keys = {request_key(after(f"c{n}", f"c{n}"), "") for n in range(3)}
    assert len(keys) == 1
    assert request_key(after("c1", "c1-other"), "") not in keys


async def test_an_answer_whose_tool_call_failed_is_forgotten(cache: ResponseCache) -> None:
    bad = said("", tool_calls=(CALL,), finish_reason="tool_calls")
    model = Scripted(bad, said("sorry"), said("better"))
    client = through(cache, model)
    first = await client.stream(asked(), Heard())
    refusal = ToolMessage(call_id="c1", name="read_file", content="Wrong arguments", ok=False)
    asking_again = asked(*ASK, AssistantMessage(tool_calls=first.tool_calls), refusal)
    assert (await client.stream(asking_again, Heard())).text == "sorry"
    assert (await client.stream(asked(), Heard())).text == "better"


async def test_what_a_user_asks_twice_is_not_answered_like_that_a_third_time(
    cache: ResponseCache,
) -> None:
    result = ToolMessage(call_id="c1", name="read_file", content="1")
    calling = AssistantMessage(tool_calls=(CALL,))
    bad = said("", tool_calls=(CALL,), finish_reason="tool_calls")
    model = Scripted(bad, said("wrong"), said("less wrong"), said("new call"), said("right"))
    client = through(cache, model)
    await client.stream(asked(), Heard())
    await client.stream(asked(*ASK, calling, result), Heard())
    repeated = asked(*ASK, calling, result, AssistantMessage(text="wrong"), ASK[-1])
    assert (await client.stream(repeated, Heard())).text == "less wrong"
    assert (await client.stream(asked(), Heard())).text == "new call"
    assert (await client.stream(asked(*ASK, calling, result), Heard())).text == "right"


_MESSAGES = st.lists(
    st.one_of(
        st.builds(UserMessage, text=st.sampled_from("ab")),
        st.builds(AssistantMessage, text=st.sampled_from("ab")),
        st.builds(
            ToolMessage,
            call_id=st.just("c"),
            name=st.just("t"),
            content=st.just(""),
            ok=st.booleans(),
        ),
    ),
    max_size=8,
)


@given(_MESSAGES)
def test_only_requests_that_led_to_an_answer_of_this_conversation_are_doubted(
    messages: list[Message],
) -> None:
    for earlier in doubted(messages):
        assert list(earlier) == messages[: len(earlier)]
        assert isinstance(messages[len(earlier)], AssistantMessage)
    whole = all(not isinstance(each, ToolMessage) or each.ok for each in messages)
    once = len({each.text for each in messages if isinstance(each, UserMessage)})
    users = sum(isinstance(each, UserMessage) for each in messages)
    if whole and once == users:
        assert not doubted(messages)


@given(st.text(max_size=500), st.text(max_size=500))
async def test_a_replay_says_exactly_what_was_kept(text: str, reasoning: str) -> None:
    heard = Heard()
    again = await replay(said(text, reasoning=reasoning), heard)
    assert (heard.text, heard.reasoning) == (again.text, again.reasoning) == (text, reasoning)


async def test_what_cannot_be_read_is_a_miss() -> None:
    memory = MemoryCache(10**6)
    cache = ResponseCache(memory, 60)
    model = Scripted(said("old"), said("new"))
    client = through(cache, model)
    await client.stream(asked(), Heard())
    key = request_key(asked(), f"1 {fingerprint(ENTRY)} ann")
    assert await memory.get(key), "the key is what the client uses"
    for garbage in (b"\xc1", b"\x80", b"\x01"):
        await memory.put(key, garbage, 60)
        assert await cache.find(key) is None
    assert (await client.stream(asked(), Heard())).text == "new"


async def test_a_hit_costs_nothing_and_counts_in_the_usage_but_against_no_limit(
    layer: Layer, user_id: str
) -> None:
    entry = layer.entry("openai")
    entry["model_info"] = {"input_cost_per_token": 0.01, "output_cost_per_token": 0.1}
    cache = ResponseCache(MemoryCache(10**6), 60)
    models = layer.build(entry, response_cache=cache, requests_per_hour=1)
    await layer.script(Reply(text="one", usage=script.Usage(10, 2)))
    first = await ask(models, "openai", user_id=user_id)
    heard = Heard()
    for _ in range(3):
        again = await ask(models, "openai", heard, user_id=user_id)
    assert (again.text, again.from_cache, heard.text) == ("one", True, "oneoneone")
    assert first.usage.cost_usd == pytest.approx(0.3)
    assert msgspec.structs.replace(first.usage, cost_usd=0.0) == again.usage
    assert [call.from_cache for call in layer.calls] == [False, True, True, True]
    assert layer.calls[-1].provider == "openai"
    [total] = await models.usage("user", UsageFilter(user_id=user_id))
    assert (total.calls, total.input_tokens, total.output_tokens) == (4, 40, 8)
    assert total.cost_usd == pytest.approx(0.3)
    assert len(await layer.seen()) == 1
    with pytest.raises(RateLimited):
        await ask(models, "openai", user_id=user_id, fresh=True)


async def test_the_cache_is_off_unless_it_is_asked_for(layer: Layer) -> None:
    models = layer.build(layer.entry("openai"))
    await layer.script(Reply(text="one"), Reply(text="two"))
    texts = [(await ask(models, "openai")).text for _ in range(2)]
    assert texts == ["one", "two"]


def test_a_system_message_alone_is_no_reason_for_doubt() -> None:
    assert doubted([]) == doubted([SystemMessage(text="You help.")]) == []


@given(st.integers(0, 50))
def test_only_the_latest_answers_are_doubted(turns: int) -> None:
    question = UserMessage(text="Again?")
    talk = [AssistantMessage(text=str(number)) for number in range(turns)]
    found = doubted([question, *talk, question])
    assert [len(messages) for messages in found] == list(range(1, turns + 1))[-4:]


async def test_a_very_large_request_is_not_looked_up(cache: ResponseCache) -> None:
    talk = [AssistantMessage(text="x" * 200) for _ in range(6000)]
    large = asked(ASK[-1], *talk, ASK[-1])
    assert is_large(large)
    assert not is_large(asked())
    model = Scripted(said("one"), said("two"))
    client = through(cache, model)
    assert [(await client.stream(large, Heard())).text for _ in range(2)] == ["one", "two"]
    assert cache.looked_up() == (0, 0)
