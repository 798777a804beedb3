"""What reading a token costs, by the wire it comes over: CPU per token of each reader.

    python3 dev.py bench wires [ROUNDS] [TOKENS]

No network is involved: each reader is fed the bytes of one answer, an event at a time as they come
from a socket. "litellm's parser" is what rare providers are read with; "litellm's stream" is what
`litellm.acompletion` returns, fed with the same lines, so its HTTP client is left out too. The ways
take turns in every round.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
import warnings
from collections.abc import AsyncIterator, Callable
from statistics import median
from typing import Any

from bench import machine
from codelab.kit.clock import utc_now
from codelab.llm.errors import ModelError, ModelFailed
from codelab.llm.providers.answer_stream import AnswerFormat, AnswerStream
from codelab.llm.providers.anthropic_wire import AnthropicAnswer
from codelab.llm.providers.litellm_library import LiteLLM
from codelab.llm.providers.litellm_parser import ParsedAnswer
from codelab.llm.providers.ollama_wire import OllamaAnswer
from codelab.llm.providers.openai_wire import OpenAIAnswer
from codelab.sdk.model import Delta
from tests.model_server.anthropic_wire import AnthropicWire
from tests.model_server.ollama_wire import OllamaWire
from tests.model_server.openai_wire import OpenAIWire
from tests.model_server.script import Reply
from tests.model_server.wire import Wire

ASKED = {"model": "m", "messages": [], "stream_options": {"include_usage": True}}


def events_of(wire: Wire, tokens: int) -> list[bytes]:
    """Write an answer of so many tokens out, an event at a time."""
    reply = Reply(text=[f"word{number} " for number in range(tokens)])
    return [frame.data for frame in wire.frames(reply, ASKED)]


def ignore(delta: Delta) -> None:
    """Take a piece of the answer."""


def name_condition(error: Exception, *, started: bool) -> ModelError:
    """Name what no answer of these will give cause for."""
    return ModelFailed(f"{error}, {started=}")


def read(events: list[bytes], form: AnswerFormat) -> float:
    """Feed a reader of ours and return the processor seconds that took."""
    stream = AnswerStream("m", form, ())
    stream.headers_received(200, {"content-type": "text/event-stream"})
    started = time.process_time()
    for event in events:
        stream.body_received(event)
    stream.body_finished()
    spent = time.process_time() - started
    if stream.done.exception() or not form.assembler.finish_reason:
        raise SystemExit("the reader did not take the whole answer")
    return spent


async def lines_of(events: list[bytes]) -> AsyncIterator[str]:
    """Hand an answer out by lines, as httpx does."""
    for event in events:
        for line in event.decode().splitlines():
            yield line


async def stream(litellm: Any, events: list[bytes], provider: str, model: str) -> float:
    """Feed litellm's whole stream object and return the processor seconds that took."""
    parser = parser_of(litellm, provider, model, lines_of(events))
    logging = litellm.litellm_core_utils.litellm_logging.Logging(
        model=model,
        messages=[],
        stream=True,
        call_type="acompletion",
        start_time=utc_now(),
        litellm_call_id="1",
        function_id="1",
    )
    whole = litellm.CustomStreamWrapper(
        completion_stream=parser,
        model=model,
        custom_llm_provider=provider,
        logging_obj=logging,
    )
    started = time.process_time()
    async for _ in whole:
        pass
    return time.process_time() - started


def parser_of(litellm: Any, provider: str, model: str, lines: Any) -> Any:
    """Return a provider's own iterator."""
    if provider == "anthropic":
        handler = litellm.llms.anthropic.chat.handler.ModelResponseIterator
        return handler(streaming_response=lines, sync_stream=False)
    known = litellm.types.utils.LlmProviders(provider)
    config = litellm.utils.ProviderConfigManager.get_provider_chat_config(model, known)
    return config.get_model_response_iterator(streaming_response=lines, sync_stream=False)


async def main(rounds: int, tokens: int) -> None:
    """Let all ways take turns and print medians."""
    warnings.simplefilter("ignore")
    print(f"{machine.describe()}; load {os.getloadavg()[0]:.1f}; {tokens} tokens an answer")
    litellm = await LiteLLM().load()
    wires = {
        "openai": events_of(OpenAIWire(), tokens),
        "anthropic": events_of(AnthropicWire(), tokens),
        "ollama_chat": events_of(OllamaWire(), tokens),
    }

    def parsed(provider: str) -> AnswerFormat:
        return ParsedAnswer(ignore, parser_of(litellm, provider, "m", None), name_condition)

    ours: dict[str, tuple[str, Callable[[], AnswerFormat]]] = {
        "OpenAI's wire, our reader": ("openai", lambda: OpenAIAnswer(ignore)),
        "Anthropic's wire, our reader": ("anthropic", lambda: AnthropicAnswer(ignore)),
        "Ollama's wire, our reader": ("ollama_chat", lambda: OllamaAnswer(ignore)),
        "OpenAI's wire, litellm's parser": ("openai", lambda: parsed("openai")),
        "Anthropic's wire, litellm's parser": ("anthropic", lambda: parsed("anthropic")),
        "Ollama's wire, litellm's parser": ("ollama_chat", lambda: parsed("ollama_chat")),
    }
    whole = {
        "OpenAI's wire, litellm's stream": ("openai", "gpt-4.1"),
        "Anthropic's wire, litellm's stream": ("anthropic", "claude-sonnet-4-6"),
        "Ollama's wire, litellm's stream": ("ollama_chat", "m"),
    }
    spent: dict[str, list[float]] = {name: [] for name in (*ours, *whole)}
    for _ in range(rounds):
        for name, (wire, form) in ours.items():
            spent[name].append(read(wires[wire], form()) / tokens * 1e6)
        for name, (provider, model) in whole.items():
            took = await stream(litellm, wires[provider], provider, model)
            spent[name].append(took / tokens * 1e6)
    print(f"{'':<46} {'min':>9} {'median':>9} {'max':>9}")
    for name, values in sorted(spent.items(), key=lambda item: median(item[1])):
        print(machine.row(name, values, "us/token"))


if __name__ == "__main__":
    arguments = [int(argument) for argument in sys.argv[1:]]
    asyncio.run(main(*(arguments + [5, 2000][len(arguments) :])))
