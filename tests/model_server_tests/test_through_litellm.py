"""litellm, which knows the real providers, understands each of the server's formats."""

import os

# Otherwise litellm fetches a price list from the internet when it is imported.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import litellm
import msgspec
import openai
import pytest
from litellm import exceptions
from litellm.llms.custom_httpx.async_client_cleanup import close_litellm_async_clients

from tests.model_server.script import Reply, ToolCall, Usage, When
from tests.model_server_tests.reading import USER, Asker

# litellm warns of its own code; raised as errors, these warnings would break it from within.
pytestmark = [
    pytest.mark.filterwarnings("ignore::UserWarning:pydantic"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:litellm"),
]

PROVIDERS = ["openai", "anthropic", "ollama_chat"]
CALLS = [
    ToolCall("read_file", {"path": "ж.py", "lines": [1, 2]}),
    ToolCall("list_files", {"path": "."}),
]
ANSWER = Reply(
    text="Привет, 👋 world",
    reasoning="let me think",
    tool_calls=CALLS,
    usage=Usage(100, 7, cached=40),
)


def tool(name: str) -> dict[str, Any]:
    """A tool as it is offered to a model."""
    parameters = {"type": "object", "properties": {}}
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


async def ask(provider: str, asker: Asker, messages: Any = USER, **options: Any) -> Any:
    """litellm's answer from the server in the provider's place."""
    names = {
        "openai": "gpt-4o",
        "anthropic": "claude-sonnet-4-5",
        "ollama_chat": f"scripted-{asker.key}",
    }
    return await litellm.acompletion(
        model=f"{provider}/{names[provider]}",
        api_base=asker.server.openai_url if provider == "openai" else asker.server.url,
        api_key=asker.key,
        messages=messages,
        tools=[tool(call.name) for call in CALLS],
        max_retries=0,
        timeout=1,
        # litellm's gateway for MCP needs a package that is not installed, and tools alone wake it.
        _skip_mcp_handler=True,
        **options,
    )


@dataclass
class Streamed:
    """What a stream's deltas add up to; a call is its id, its name and its arguments."""

    text: str = ""
    reasoning: str = ""
    calls: list[tuple[str, str, str]] = field(default_factory=list)
    finish_reason: str | None = None
    usage: Any = None

    def add(self, chunk: Any) -> None:
        """Adds what a chunk brings."""
        self.usage = getattr(chunk, "usage", None) or self.usage
        for choice in chunk.choices:
            self.finish_reason = choice.finish_reason or self.finish_reason
            self.text += choice.delta.content or ""
            self.reasoning += getattr(choice.delta, "reasoning_content", None) or ""
            for piece in choice.delta.tool_calls or []:
                self._add_call(piece)

    def _add_call(self, piece: Any) -> None:
        # litellm numbers each of Ollama's calls 0: only the id tells where a call begins.
        if piece.id:
            self.calls.append((piece.id, piece.function.name, piece.function.arguments))
        else:
            call_id, name, arguments = self.calls[piece.index]
            self.calls[piece.index] = (call_id, name, arguments + piece.function.arguments)


async def streamed(provider: str, asker: Asker, messages: Any = USER) -> Streamed:
    """What litellm's stream from the provider adds up to."""
    result = Streamed()
    options = {"stream": True, "stream_options": {"include_usage": True}}
    async for chunk in await ask(provider, asker, messages, **options):
        result.add(chunk)
    return result


@pytest.fixture(autouse=True)
async def closed_clients() -> AsyncIterator[None]:
    """litellm keeps its HTTP clients open for ever, each on the event loop it was made on."""
    yield
    await close_litellm_async_clients()  # type: ignore[no-untyped-call]  # litellm has no type here


@pytest.mark.parametrize("split", ["normal", "bytes", "network"])
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_stream_is_put_together_again(provider: str, split: str, asker: Asker) -> None:
    await asker.script(msgspec.structs.replace(ANSWER, split=split))
    answer = await streamed(provider, asker)
    assert answer.text == "Привет, 👋 world"
    assert answer.reasoning == "let me think"
    assert [name for _, name, _ in answer.calls] == [call.name for call in CALLS]
    assert [json.loads(arguments) for *_, arguments in answer.calls] == [
        call.arguments for call in CALLS
    ]
    assert answer.finish_reason == "tool_calls"
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (100, 7)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_document_is_understood(provider: str, asker: Asker) -> None:
    await asker.script(ANSWER)
    answer = await ask(provider, asker)
    (choice,) = answer.choices
    assert choice.message.content == "Привет, 👋 world"
    assert [call.function.name for call in choice.message.tool_calls] == [
        call.name for call in CALLS
    ]
    assert choice.finish_reason == "tool_calls"
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (100, 7)


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
async def test_cached_tokens_are_understood(provider: str, asker: Asker) -> None:
    await asker.script(ANSWER)
    assert (await streamed(provider, asker)).usage.prompt_tokens_details.cached_tokens == 40


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_history_with_calls_and_results_is_accepted(provider: str, asker: Asker) -> None:
    await asker.script(ANSWER, Reply(text="done", when=When(last_contains="result of list_files")))
    asked = await streamed(provider, asker)
    calls = [
        {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}
        for call_id, name, arguments in asked.calls
    ]
    results = [
        {"role": "tool", "tool_call_id": call_id, "content": f"result of {name}"}
        for call_id, name, _ in asked.calls
    ]
    history = [*USER, {"role": "assistant", "content": asked.text, "tool_calls": calls}, *results]
    answer = await streamed(provider, asker, history)
    assert (answer.text, answer.finish_reason) == ("done", "stop")


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(status=401), exceptions.AuthenticationError),
        (Reply(status=429), exceptions.RateLimitError),
        (Reply(status=500), exceptions.InternalServerError),
        (Reply(status=503), exceptions.ServiceUnavailableError),
        (Reply(text="late", delay_s=30), exceptions.Timeout),
    ],
    ids=["401", "429", "500", "503", "late"],
)
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_errors_are_recognised(
    provider: str, reply: Reply, error: type[Exception], asker: Asker
) -> None:
    await asker.script(reply)
    with pytest.raises(error):
        await streamed(provider, asker)


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
async def test_a_prompt_too_long_is_recognised(provider: str, asker: Asker) -> None:
    await asker.script(Reply(context_overflow=True))
    with pytest.raises(exceptions.ContextWindowExceededError):
        await streamed(provider, asker)


@pytest.mark.parametrize(
    ("provider", "words"),
    [
        ("openai", "The server had an error"),
        ("anthropic", "Overloaded"),
        ("ollama_chat", "encountered while running the model"),
    ],
)
async def test_an_error_in_a_stream_is_noticed(provider: str, words: str, asker: Asker) -> None:
    await asker.script(Reply(text=["a", "b"], error_after=1))
    with pytest.raises(openai.APIError, match=words):
        await streamed(provider, asker)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_cut_stream_is_noticed(provider: str, asker: Asker) -> None:
    await asker.script(Reply(text=["a", "b"], cut_after=1))
    with pytest.raises(openai.APIError, match="not completed"):
        await streamed(provider, asker)
