"""The OpenAI format, byte for byte as its clients read it."""

import json

import pytest

from tests.model_server.script import Reply, ToolCall, Usage
from tests.model_server_tests.reading import Asker

TWO_CALLS = [
    ToolCall("read_file", {"path": "a/ж.py", "lines": [1, 20]}),
    ToolCall("list_files", {"path": "."}),
]


async def test_a_text_stream_opens_with_the_role_and_closes_with_reason_and_mark(
    asker: Asker,
) -> None:
    await asker.script(Reply(text=["Hel", "lo ", "мир"]))
    answer = await asker.openai()
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["x-request-id"]
    assert answer.raw.startswith(b"data: {")
    assert answer.raw.endswith(b"\n\ndata: [DONE]\n\n")
    chunks = answer.openai_chunks
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert len({chunk["id"] for chunk in chunks}) == 1
    assert {chunk["model"] for chunk in chunks} == {"gpt-test"}
    assert answer.openai_deltas == [
        {"role": "assistant", "content": "", "refusal": None},
        {"content": "Hel"},
        {"content": "lo "},
        {"content": "мир"},
        {},
    ]
    reasons = [chunk["choices"][0]["finish_reason"] for chunk in chunks]
    assert reasons == [None] * 4 + ["stop"]


async def test_text_given_whole_is_streamed_in_words_that_join_to_it(asker: Asker) -> None:
    text = "  One two,\n\tthree…  "
    await asker.script(Reply(text=text))
    answer = await asker.openai()
    assert answer.openai_text == text
    assert len(answer.openai_deltas) > 4


async def test_usage_comes_last_and_only_when_asked_for(asker: Asker) -> None:
    await asker.script(Reply(text="x", usage=Usage(input=100, output=7, cached=40), repeat=True))
    without = await asker.openai()
    assert all("usage" not in chunk for chunk in without.openai_chunks)
    *others, last = (await asker.openai(stream_options={"include_usage": True})).openai_chunks
    assert [chunk["usage"] for chunk in others] == [None] * len(others)
    assert last["choices"] == []
    assert last["usage"]["prompt_tokens"] == 100
    assert last["usage"]["completion_tokens"] == 7
    assert last["usage"]["total_tokens"] == 107
    assert last["usage"]["prompt_tokens_details"]["cached_tokens"] == 40


async def test_no_usage_is_sent_when_the_script_withholds_it(asker: Asker) -> None:
    await asker.script(Reply(text="x", usage=None, repeat=True))
    streamed = await asker.openai(stream_options={"include_usage": True})
    assert all(chunk["usage"] is None and chunk["choices"] for chunk in streamed.openai_chunks)
    assert "usage" not in (await asker.openai(stream=False)).json


async def test_a_tool_call_opens_with_id_and_name_and_goes_on_with_arguments(asker: Asker) -> None:
    await asker.script(Reply(tool_calls=TWO_CALLS))
    answer = await asker.openai()
    first, *rest = [
        piece for delta in answer.openai_deltas for piece in delta.get("tool_calls", [])
    ]
    assert first["id"].startswith("call_")
    assert first["type"] == "function"
    assert first["function"] == {"name": "read_file", "arguments": ""}
    assert rest[0].keys() == {"index", "function"}
    assert answer.openai_deltas[0]["content"] is None
    assert [(name, json.loads(text)) for name, text in answer.openai_calls] == [
        ("read_file", {"path": "a/ж.py", "lines": [1, 20]}),
        ("list_files", {"path": "."}),
    ]
    assert answer.openai_chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"


async def test_bytes_split_tears_arguments_and_interleaves_the_calls(asker: Asker) -> None:
    await asker.script(Reply(tool_calls=TWO_CALLS, split="bytes"))
    answer = await asker.openai()
    pieces = [piece for delta in answer.openai_deltas for piece in delta.get("tool_calls", [])]
    assert [piece["index"] for piece in pieces[:6]] == [0, 1, 0, 1, 0, 1]
    assert {len(piece["function"]["arguments"]) for piece in pieces[2:]} == {1, 2, 3}
    assert [json.loads(text) for _, text in answer.openai_calls] == [
        call.arguments for call in TWO_CALLS
    ]


@pytest.mark.parametrize("stream", [True, False])
async def test_broken_arguments_reach_the_client_as_they_are(asker: Asker, stream: bool) -> None:
    await asker.script(Reply(tool_calls=[ToolCall("f", '{"path": "a', id="call_mine")]))
    answer = await asker.openai(stream=stream)
    if stream:
        assert answer.openai_calls == [("f", '{"path": "a')]
        assert '"id":"call_mine"' in answer.raw.decode()
    else:
        call = answer.json["choices"][0]["message"]["tool_calls"][0]
        assert call == {
            "id": "call_mine",
            "type": "function",
            "function": {"name": "f", "arguments": '{"path": "a'},
        }


async def test_reasoning_comes_before_the_text(asker: Asker) -> None:
    await asker.script(Reply(text="answer", reasoning="let me think"))
    deltas = (await asker.openai()).openai_deltas
    assert "".join(delta.get("reasoning_content", "") for delta in deltas) == "let me think"
    kinds = ["reasoning" if "reasoning_content" in delta else "text" for delta in deltas[1:-1]]
    assert kinds == ["reasoning"] * 3 + ["text"]


async def test_an_answer_that_is_not_streamed_is_one_document(asker: Asker) -> None:
    await asker.script(Reply(text=["a", "b"], reasoning="hm", finish_reason="length"))
    answer = await asker.openai(stream=False)
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json["object"] == "chat.completion"
    (choice,) = answer.json["choices"]
    assert choice["finish_reason"] == "length"
    assert choice["message"] == {
        "role": "assistant",
        "content": "ab",
        "refusal": None,
        "reasoning_content": "hm",
    }
    assert answer.json["usage"]["total_tokens"] == 15


async def test_models_are_listed_to_those_with_a_key(asker: Asker) -> None:
    headers = {"Authorization": f"Bearer {asker.key}"}
    assert (await asker.get("/v1/models", headers)).status == 401
    await asker.script()
    listed = (await asker.get("/v1/models", headers)).json
    assert listed["object"] == "list"
    assert listed["data"][0]["object"] == "model"
