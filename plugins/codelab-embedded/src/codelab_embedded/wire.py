"""What is written to the model's server and read from it: OpenAI's format, as far as needed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from codelab.sdk import ModelRequest, Usage
from codelab.sdk.messages import AssistantMessage, Message, SystemMessage, UserMessage
from codelab_embedded.errors import (
    ContextTooLong,
    KeyRefused,
    RequestRefused,
    ServerFailed,
)
from codelab_embedded.local_server import OUTPUT_TOKENS, TEMPERATURE

NOTE = (
    "\n\n*(A tiny trial model wrote this. It cannot use tools: nothing was read and nothing was "
    "changed.)*"
)
_REPEAT_PENALTY = 1.1
# Further parameters that its server understands as OpenAI writes them.
_PASSED_ON = ("stop", "top_p", "seed")
_SYSTEM = "You are a helpful assistant. Answer in short, plain sentences."


class Delta(msgspec.Struct, frozen=True):
    """A piece of the answer."""

    content: str | None = None


class Choice(msgspec.Struct, frozen=True):
    """What a chunk adds, and at the end why it is one."""

    delta: Delta = Delta()
    finish_reason: str | None = None


class CachedTokens(msgspec.Struct, frozen=True):
    """How much of the prompt was still known from the call before."""

    cached_tokens: int = 0


class UsageReport(msgspec.Struct, frozen=True):
    """What the call took."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    prompt_tokens_details: CachedTokens = CachedTokens()

    def usage(self) -> Usage:
        """Return it in our words; it costs nothing."""
        return Usage(
            input_tokens=self.prompt_tokens,
            output_tokens=self.completion_tokens,
            cached_tokens=self.prompt_tokens_details.cached_tokens,
        )


class Problem(msgspec.Struct, frozen=True):
    """What the server complains of."""

    message: str = ""
    type: str = ""
    n_prompt_tokens: int = 0
    n_ctx: int = 0


class Chunk(msgspec.Struct, frozen=True):
    """One event of the stream; an answer that refuses has the problem alone."""

    choices: tuple[Choice, ...] = ()
    usage: UsageReport | None = None
    error: Problem | None = None


def write_request(request: ModelRequest) -> bytes:
    """Write a request.

    No tools are sent: this model cannot call them. Where some are offered, the system message is
    about them, and one that this model can follow takes its place.
    """
    asked = request.max_output_tokens or OUTPUT_TOKENS
    body: dict[str, Any] = {
        "messages": list(_write_messages(request.messages, with_tools=bool(request.tools))),
        "stream": True,
        "stream_options": {"include_usage": True},
        # Reading a long prompt takes this model many seconds: signs of life meanwhile.
        "return_progress": True,
        "max_tokens": min(asked, OUTPUT_TOKENS),
        # Without it this model says the same again and again.
        "repeat_penalty": _REPEAT_PENALTY,
        "temperature": TEMPERATURE if request.temperature is None else request.temperature,
        **{name: request.options[name] for name in _PASSED_ON if name in request.options},
    }
    return msgspec.json.encode(body)


def _write_messages(messages: tuple[Message, ...], *, with_tools: bool) -> Iterator[dict[str, str]]:
    if with_tools:
        yield {"role": "system", "content": _SYSTEM}
    for message in messages:
        match message:
            case SystemMessage(text=text) if not with_tools:
                yield {"role": "system", "content": text}
            case UserMessage(text=text):
                yield {"role": "user", "content": text}
            case AssistantMessage(text=text) if written := text.removesuffix(NOTE):
                yield {"role": "assistant", "content": written}
            case _:
                # Calls of tools, and their results, by a model that could.
                pass


def read_event(line: str) -> Chunk | None:
    """Read a line of the stream; none for what is no event.

    Raises:
        CodeLabError: It tells of a failure.
        ServerFailed: It cannot be read.
    """
    data = line.removeprefix("data: ")
    if data == line or data == "[DONE]":
        return None
    try:
        chunk = msgspec.json.decode(data, type=Chunk)
    except msgspec.MsgspecError:
        raise ServerFailed("The trial model's server sent something unreadable.") from None
    if chunk.error:
        raise condition(500, chunk.error)
    return chunk


def read_refusal(
    status: int, body: bytes
) -> ContextTooLong | KeyRefused | RequestRefused | ServerFailed:
    """Read an answer that refuses, as one of our conditions."""
    try:
        problem = msgspec.json.decode(body, type=Chunk).error or Problem()
    except msgspec.MsgspecError:
        problem = Problem()
    return condition(status, problem)


def condition(
    status: int, problem: Problem
) -> ContextTooLong | KeyRefused | RequestRefused | ServerFailed:
    """Name the condition of a refusal."""
    if problem.type == "exceed_context_size_error":
        return ContextTooLong(
            f"The conversation has {problem.n_prompt_tokens} tokens, and the trial model takes "
            f"{problem.n_ctx}. Start a new session, or choose a real model."
        )
    if status in (401, 403):
        return KeyRefused("The trial model's server refused the key that it was started with.")
    if status < 500:
        return RequestRefused(f"The trial model's server refused the request ({status}).")
    return ServerFailed("The trial model's server had a failure of its own.")
