"""The Ollama format, line for line."""

from tests.model_server.script import Reply, ToolCall, Usage
from tests.model_server_tests.reading import USER, Asker


async def test_a_stream_is_a_line_a_piece_and_a_last_one_with_counts(asker: Asker) -> None:
    calls = [ToolCall("a", {"path": "x"}), ToolCall("b", {})]
    await asker.script(
        Reply(reasoning="hm", text=["Hi ", "мир"], tool_calls=calls, usage=Usage(12, 34))
    )
    answer = await asker.ollama()
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    *lines, last = answer.lines
    assert [line["message"]["content"] for line in lines] == ["", "Hi ", "мир", "", ""]
    assert lines[0]["message"]["thinking"] == "hm"
    functions = [line["message"]["tool_calls"][0]["function"] for line in lines[3:]]
    assert functions == [
        {"index": 0, "name": "a", "arguments": {"path": "x"}},
        {"index": 1, "name": "b", "arguments": {}},
    ]
    assert all(line["done"] is False and "done_reason" not in line for line in lines)
    assert all(
        line["message"]["role"] == "assistant" and line["created_at"].endswith("Z")
        for line in answer.lines
    )
    assert last["done"] is True
    assert last["done_reason"] == "stop"
    assert (last["prompt_eval_count"], last["eval_count"]) == (12, 34)


async def test_an_answer_that_is_not_streamed_is_one_object(asker: Asker) -> None:
    await asker.script(Reply(text="Hi", tool_calls=[ToolCall("a", {"x": 1})], usage=None))
    (line,) = (await asker.ollama(stream=False)).lines
    assert line["message"]["content"] == "Hi"
    assert line["message"]["tool_calls"][0]["function"]["arguments"] == {"x": 1}
    assert line["done"] is True
    assert "eval_count" not in line


async def test_a_call_with_broken_arguments_stays_text(asker: Asker) -> None:
    await asker.script(Reply(tool_calls=[ToolCall("f", '{"path": ')], repeat=True))
    for answer in (await asker.ollama(), await asker.ollama(stream=False)):
        message = answer.lines[0]["message"]
        assert message["content"] == '{"name": "f", "arguments": {"path": }'
        assert "tool_calls" not in message


async def test_a_model_nobody_scripted_is_not_found(asker: Asker) -> None:
    answer = await asker.post("/api/chat", {"model": "scripted-nobody", "messages": USER}, {})
    assert answer.status == 404
    assert answer.json == {"error": "model not found, try pulling it first"}


async def test_scripted_models_are_listed_and_described(asker: Asker) -> None:
    name = f"scripted-{asker.key}:latest"
    assert (await asker.post("/api/show", {"model": name}, {})).status == 404
    await asker.script()
    assert name in [model["name"] for model in (await asker.get("/api/tags", {})).json["models"]]
    shown = (await asker.post("/api/show", {"name": name}, {})).json
    assert "tools" in shown["capabilities"]
    assert shown["model_info"]["scripted.context_length"] == 32768
