"""Which reply a request gets, and what can be learnt about the requests."""

import asyncio

import pytest

from tests.model_server.script import Question, Reply, Script, ToolCall, When
from tests.model_server_tests.reading import USER, Asker


def messages(system: str, last: str) -> list[dict[str, object]]:
    """A request's messages, the last one in parts."""
    return [
        {"role": "system", "content": system},
        {"role": "user", "content": [{"type": "text", "text": last}]},
    ]


async def test_replies_come_in_order_and_then_the_script_is_exhausted(asker: Asker) -> None:
    await asker.script(Reply(text="one"), Reply(text="two"))
    assert (await asker.openai()).openai_text == "one"
    assert (await asker.openai()).openai_text == "two"
    answer = await asker.openai()
    assert answer.status == 500
    assert "no reply left for request 3" in answer.json["error"]["message"]
    assert [seen.reply for seen in await asker.server.requests(asker.key)] == [0, 1, None]


async def test_an_exhausted_script_speaks_the_providers_language(asker: Asker) -> None:
    await asker.script()
    assert "no reply left" in (await asker.anthropic()).json["error"]["message"]
    assert "no reply left" in (await asker.ollama()).json["error"]


async def test_an_unknown_key_is_refused_in_the_providers_shape(asker: Asker) -> None:
    openai, anthropic = await asker.openai(), await asker.anthropic()
    assert (openai.status, openai.json["error"]["code"]) == (401, "invalid_api_key")
    assert (anthropic.status, anthropic.json["type"]) == (401, "error")
    assert anthropic.json["error"]["type"] == "authentication_error"


async def test_conditions_pick_the_reply_whatever_the_order_of_requests(asker: Asker) -> None:
    await asker.script(
        Reply(text="debug", when=When(system_contains="You debug")),
        Reply(text="coder", when=When(system_contains="You code", last_contains="write")),
        Reply(text="other model", when=When(model="gpt-other")),
        Reply(text="anything"),
    )
    coder, debug = messages("You code.", "please write"), messages("You debug.", "write")
    assert (await asker.openai(messages("You code.", "please read"))).openai_text == "anything"
    assert (await asker.openai(coder)).openai_text == "coder"
    assert (await asker.openai(coder, model="gpt-other")).openai_text == "other model"
    assert (await asker.openai(debug)).openai_text == "debug"
    assert (await asker.openai(debug)).status == 500


async def test_conditions_read_every_providers_messages(asker: Asker) -> None:
    when = When(system_contains="sys", last_contains="result 7")
    await asker.script(Reply(text="yes", when=when, repeat=True))
    call = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    result = {
        "type": "tool_result",
        "tool_use_id": "t",
        "content": [{"type": "text", "text": "result 7"}],
    }
    history = [
        *USER,
        {"role": "assistant", "content": [call]},
        {"role": "user", "content": [result]},
    ]
    anthropic = await asker.anthropic(history, system=[{"type": "text", "text": "sys"}])
    assert anthropic.status == 200
    ollama = await asker.ollama(
        [{"role": "system", "content": "sys"}, {"role": "tool", "content": "result 7"}]
    )
    assert ollama.status == 200


async def test_a_repeating_reply_stays_and_a_new_script_replaces_the_old(asker: Asker) -> None:
    await asker.script(Reply(text="again", repeat=True))
    assert [(await asker.openai()).openai_text for _ in range(3)] == ["again"] * 3
    await asker.script(Reply(text="new"))
    assert (await asker.openai()).openai_text == "new"


async def test_parallel_keys_never_meet(asker: Asker) -> None:
    askers = [Asker(asker.server, f"{asker.key}-{number}") for number in range(10)]
    for other in askers:
        await other.script(Reply(text=other.key))
    answers = await asyncio.gather(*(other.openai() for other in askers))
    assert [answer.openai_text for answer in answers] == [other.key for other in askers]


async def test_requests_are_kept_without_the_key(asker: Asker) -> None:
    await asker.script(Reply(text="x"))
    await asker.anthropic(system="sys")
    (seen,) = await asker.server.requests(asker.key)
    assert seen.path == "/v1/messages"
    assert seen.body["system"] == "sys"
    assert seen.headers["anthropic-version"] == "2023-06-01"
    assert asker.key not in str(seen.headers)
    assert (seen.reply, seen.finished, seen.cut_by_client, seen.chunks_sent) == (0, True, False, 1)


async def test_a_script_with_a_mistake_is_refused(asker: Asker) -> None:
    reply = Reply(split="sideways")  # type: ignore[arg-type]  # the mistake under test
    with pytest.raises(RuntimeError, match="split"):
        await asker.script(reply)
    with pytest.raises(RuntimeError, match="no script"):
        await asker.server.requests(asker.key)


async def test_a_request_that_is_no_request_is_refused(asker: Asker) -> None:
    answer = await asker.post(
        "/v1/chat/completions", {"model": 3}, {"Authorization": f"Bearer {asker.key}"}
    )
    assert answer.status == 400
    assert answer.json["error"]["type"] == "invalid_request_error"


async def test_a_history_with_an_unanswered_call_is_refused(asker: Asker) -> None:
    await asker.script(Reply(text="x"))
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    answer = await asker.openai(
        [*USER, {"role": "assistant", "content": None, "tool_calls": [call]}]
    )
    assert answer.status == 400
    assert "call_1" in answer.json["error"]["message"]
    assert len(await asker.server.requests(asker.key)) == 1


async def test_a_script_taken_twice_by_the_same_question_gives_two_replies() -> None:
    script = Script()
    call = Reply(tool_calls=[ToolCall("f")])
    script.replace([call, Reply(text="done")])
    question = Question("m", "", "")
    assert script.take(question) == (0, call)
    assert script.take(question) == (1, Reply(text="done"))
    assert script.take(question) is None
