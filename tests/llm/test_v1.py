"""`/v1`: who gets in, what there is, and how it refuses."""

from __future__ import annotations

import asyncio
import base64
import struct
from collections.abc import AsyncIterator
from typing import Any, cast

import msgspec
import pytest
from litestar.types import HTTPReceiveMessage, HTTPRequestEvent, Message, Scope

from codelab.llm.routes.answering import LARGEST_BODY
from tests.llm.conftest import add_user
from tests.llm.layer import Layer, eventually
from tests.llm.served import Api, app_of, served
from tests.model_server.embeddings import vector_of
from tests.model_server.script import Reply

HELLO = {"model": "a/chat", "messages": [{"role": "user", "content": "Hi"}]}


@pytest.fixture
async def api(layer: Layer) -> AsyncIterator[Api]:
    """The API with a model of each kind, on a real server."""
    vectors = layer.entry("openai", "vectors") | {"model_info": {"mode": "embedding"}}
    models = layer.build(layer.entry("openai", "a/chat"), vectors, ours={"fallbacks": ["a/chat"]})
    async with served(models) as made:
        yield made


async def test_models_are_listed_and_found(api: Api) -> None:
    status, body = await api.v1("GET", "/models")
    assert status == 200
    assert body["object"] == "list"
    assert [model["id"] for model in body["data"]] == ["a/chat", "vectors"]
    for path in ("/models/a/chat", "/models/a%2Fchat"):
        status, found = await api.v1("GET", path)
        assert status == 200
        assert found == {"id": "a/chat", "object": "model", "created": 0, "owned_by": "openai"}
    status, body = await api.v1("GET", "/models/gpt-9")
    assert (status, body["error"]["code"]) == (404, "model_not_found")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/", 404, "not_found"),
        ("GET", "/assistants", 404, "not_found"),
        ("POST", "/audio/speech/x", 404, "not_found"),
        ("DELETE", "/models/a/chat", 405, "method_not_allowed"),
        ("GET", "/chat/completions", 405, "method_not_allowed"),
        ("PUT", "/responses", 405, "method_not_allowed"),
        ("TRACE", "/models", 405, "method_not_allowed"),
        ("TRACE", "/embeddings", 405, "method_not_allowed"),
        ("TRACE", "/nowhere", 404, "not_found"),
        ("GET", "/responses/resp_1", 404, "not_found"),
    ],
)
async def test_errors_have_openai_s_shape_wherever_one_knocks(
    api: Api, method: str, path: str, status: int, code: str
) -> None:
    answered, body = await api.v1(method, path)
    assert (answered, body["error"]["code"]) == (status, code)
    assert body["error"].keys() == {"message", "type", "param", "code"}
    assert body["error"]["type"] == "invalid_request_error"


async def test_strangers_learn_that_they_need_a_token(api: Api) -> None:
    for method, path in (("GET", "/models"), ("POST", "/responses"), ("GET", "/nowhere")):
        status, body = await api.v1(method, path, user="")
        assert (status, body["error"]["code"]) == (401, "invalid_api_key")
        assert api.headers["WWW-Authenticate"] == "Bearer"


async def test_a_body_may_be_only_so_large(api: Api) -> None:
    status, body = await api.v1("POST", "/chat/completions", b"x" * (LARGEST_BODY + 1))
    assert (status, body["error"]["code"]) == (413, "too_large")


@pytest.mark.parametrize("path", ["/chat/completions", "/responses", "/embeddings"])
@pytest.mark.parametrize(
    ("raw", "param"),
    [(b"{", None), (b"[]", None), (b'{"model": 1}', "model"), (b"[" * 100_000, None)],
)
async def test_bodies_that_are_none_are_refused(
    api: Api, path: str, raw: bytes, param: str | None
) -> None:
    status, body = await api.v1("POST", path, raw)
    assert (status, body["error"]["param"]) == (400, param)


async def test_what_real_clients_send_besides_is_left_alone(api: Api, layer: Layer) -> None:
    await layer.script(Reply(text="Hello."))
    body = HELLO | {
        "store": True,
        "metadata": {"a": "b"},
        "service_tier": "auto",
        "user": "somebody",
        "stream": None,
        "n": None,
        "stop": ["END"],
        "seed": 3,
        "top_p": 0.5,
        "response_format": {"type": "json_object"},
        "tool_choice": "required",
        "parallel_tool_calls": False,
        "something": {"new": 1},
    }
    status, answer = await api.v1("POST", "/chat/completions", body)
    assert status == 200, answer
    sent = (await layer.seen())[0].body
    passed = {"stop": ["END"], "seed": 3, "top_p": 0.5, "response_format": {"type": "json_object"}}
    assert {name: sent[name] for name in passed} == passed
    # Without tools a provider refuses what is about them.
    assert not {"tool_choice", "parallel_tool_calls", "store", "user", "something"} & sent.keys()


@pytest.mark.parametrize(
    "choice", ["required", {"type": "function", "function": {"name": "look"}}, "auto", "none"]
)
async def test_the_choice_of_a_tool_is_passed_on(api: Api, layer: Layer, choice: Any) -> None:
    await layer.script(Reply(text="Hello."))
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
    body = HELLO | {"tools": [tool], "tool_choice": choice, "parallel_tool_calls": False}
    status, answer = await api.v1("POST", "/chat/completions", body)
    assert status == 200, answer
    sent = (await layer.seen())[0].body
    assert ("tools" in sent) == (choice != "none")
    assert sent.get("tool_choice") == (choice if choice not in ("auto", "none") else None)
    assert ("parallel_tool_calls" in sent) == (choice != "none")


async def test_calls_are_limited_and_written_down_for_the_user(api: Api, layer: Layer) -> None:
    user_id = await add_user(layer.db)
    limited = layer.build(layer.entry("openai", "a/chat"), requests_per_hour=1)
    await layer.script(Reply(text="Hello.", repeat=True))
    async with served(limited) as made:
        status, _ = await made.v1("POST", "/chat/completions", HELLO, user=user_id)
        assert status == 200
        (call,) = await limited.calls_of(user_id)
        assert (call.agent, call.session_id, call.ok) == ("api", "", True)
        for path in ("/chat/completions", "/responses"):
            body = HELLO | {"input": "Hi"}
            status, refused = await made.v1("POST", path, body, user=user_id)
            assert (status, refused["error"]["code"]) == (429, "rate_limit_exceeded")
            assert int(made.headers["Retry-After"]) > 3000
            # Nobody waits for an hour: OpenAI's clients are told not to try again by themselves.
            assert made.headers["x-should-retry"] == "false"


async def test_vectors_for_texts(api: Api, layer: Layer) -> None:
    await layer.script()
    user_id = await add_user(layer.db)
    body = {"model": "vectors", "input": ["one", "three"], "dimensions": 4}
    status, answer = await api.v1("POST", "/embeddings", body, user=user_id)
    assert status == 200, answer
    assert [one["embedding"] for one in answer["data"]] == [
        vector_of("one", 4),
        vector_of("three", 4),
    ]
    assert [one["index"] for one in answer["data"]] == [0, 1]
    assert (answer["model"], answer["usage"]["prompt_tokens"]) == ("vectors", 8)
    (call,) = await api.models.calls_of(user_id)
    assert (call.input_tokens, call.output_tokens, call.model) == (8, 0, "vectors")


@pytest.mark.parametrize("given", ["one", [1, 2, 3], [[1, 2, 3]]])
async def test_vectors_come_packed_and_for_tokens_too(
    api: Api, layer: Layer, given: object
) -> None:
    await layer.script()
    body = {"model": "vectors", "input": given, "encoding_format": "base64"}
    status, answer = await api.v1("POST", "/embeddings", body)
    assert status == 200, answer
    (packed,) = [base64.b64decode(one["embedding"]) for one in answer["data"]]
    assert list(struct.unpack("<3f", packed)) == vector_of("one")


async def test_a_provider_without_openai_s_wire_is_asked_through_litellm(layer: Layer) -> None:
    await layer.script()
    entry = {
        "model_name": "vectors",
        "litellm_params": {
            "model": "hosted_vllm/vectors",
            "api_base": layer.server.openai_url,
            "api_key": layer.key,
        },
        "model_info": {"mode": "embedding"},
    }
    async with served(layer.build(entry)) as made:
        status, answer = await made.v1("POST", "/embeddings", {"model": "vectors", "input": "one"})
    assert status == 200, answer
    assert answer["data"][0]["embedding"] == vector_of("one")
    assert answer["usage"]["prompt_tokens"] == 3


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("/embeddings", {"model": "a/chat", "input": "x"}, "model"),
        ("/embeddings", {"model": "vectors", "input": []}, "input"),
        ("/embeddings", {"model": "vectors", "input": ""}, "input"),
        ("/embeddings", {"model": "vectors", "input": ["x", [1]]}, "input"),
        ("/embeddings", {"model": "vectors", "input": ["x"] * 2049}, "input"),
        ("/chat/completions", HELLO | {"model": "vectors"}, "model"),
        ("/responses", {"model": "vectors", "input": "x"}, "model"),
    ],
)
async def test_models_are_asked_for_what_they_can_do(
    api: Api, path: str, body: dict[str, Any], param: str
) -> None:
    status, answer = await api.v1("POST", path, body)
    assert (status, answer["error"]["param"]) == (400, param)


async def test_no_other_model_stands_in_for_one_that_makes_vectors(api: Api, layer: Layer) -> None:
    await layer.script(*[Reply(status=503)] * 4)
    status, answer = await api.v1("POST", "/embeddings", {"model": "vectors", "input": "x"})
    assert (status, answer["error"]["code"]) == (503, "no_model_available")
    assert {one.path for one in await layer.seen()} == {"/v1/embeddings"}
    assert msgspec.json.encode(answer).count(b"vectors:") == 1


async def test_a_client_that_leaves_before_the_first_frame_ends_the_call(layer: Layer) -> None:
    await layer.script(Reply(text="word " * 1000, token_delay_s=0.05))
    app = app_of(layer.build(layer.entry("openai", "a/chat")))
    body = msgspec.json.encode(HELLO | {"stream": True})
    waiting: list[HTTPRequestEvent] = [
        {"type": "http.request", "body": body, "more_body": False},
    ]

    async def receive() -> HTTPReceiveMessage:
        return waiting.pop() if waiting else await asyncio.Future[HTTPReceiveMessage]()

    async def send(message: Message) -> None:
        raise OSError("The client has left.")

    path = "/v1/chat/completions"
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"authorization", b"u"), (b"content-type", b"application/json")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
        "state": {},
        "extensions": {},
    }
    serving = asyncio.create_task(app(cast(Scope, scope), receive, send))
    await asyncio.gather(serving, return_exceptions=True)
    assert serving.exception()
    await eventually(layer.was_cut)
