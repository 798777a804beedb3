"""Scripted models, one voice for each agent: an honest `ModelClient` at the edge of CodeLab."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from codelab.sdk.messages import ToolCall, ToolMessage
from codelab.sdk.model import Completion, Delta, ModelInfo, ModelRequest, OnDelta, Usage
from codelab.sdk.testing import call, say

MODEL = ModelInfo(name="scripted", provider="tests", context_tokens=50_000)
USAGE = Usage(input_tokens=10, output_tokens=5)

__all__ = ["MODEL", "USAGE", "Broken", "Cast", "Held", "call", "cut", "say"]


@dataclass
class Held:
    """An answer that stops after its text until the test lets it go on."""

    answer: Completion
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    release: asyncio.Event = field(default_factory=asyncio.Event)
    cut: bool = False


@dataclass
class Broken:
    """An answer that fails after a part of its text."""

    text: str
    error: Exception


Line = Completion | Exception | Held | Broken


def cut(text: str, reason: str, *calls: ToolCall) -> Completion:
    """Make an answer that ends for a reason of its own."""
    return msgspec.structs.replace(say(text, *calls), finish_reason=reason)


class Cast:
    """Answers each request with the next line of the agent that asks.

    The agents of these tests have prompts that begin with their names.
    """

    def __init__(self) -> None:
        self.lines: dict[str, deque[Line]] = {}
        self.requests: list[tuple[str, ModelRequest]] = []

    def script(self, agent: str, *lines: Line) -> None:
        """Add lines for an agent."""
        self.lines.setdefault(agent, deque()).extend(lines)

    def asked(self, agent: str) -> list[ModelRequest]:
        """Return what an agent's model was asked."""
        return [request for name, request in self.requests if name == agent]

    def told(self, agent: str) -> Iterator[ToolMessage]:
        """Go through the tool results that an agent's model was shown last."""
        for message in self.asked(agent)[-1].messages:
            if isinstance(message, ToolMessage):
                yield message

    async def stream(self, request: ModelRequest, on_delta: OnDelta) -> Completion:
        """Speak the next line."""
        prompt = getattr(request.messages[0], "text", "")
        agent = prompt.split(maxsplit=1)[0]
        self.requests.append((agent, request))
        lines = self.lines.get(agent)
        if not lines:
            raise AssertionError(f"{agent} has no further line")
        line = lines.popleft()
        if isinstance(line, Exception):
            raise line
        if isinstance(line, Broken):
            on_delta(Delta(text=line.text))
            raise line.error
        answer = line.answer if isinstance(line, Held) else line
        if answer.text:
            on_delta(Delta(text=answer.text))
        if isinstance(line, Held):
            await self._hold(line)
        return Completion(
            model=request.model,
            text=answer.text,
            tool_calls=answer.tool_calls,
            finish_reason=answer.finish_reason,
            usage=answer.usage if answer.usage != Usage() else USAGE,
            thinking=answer.thinking,
        )

    async def _hold(self, line: Held) -> None:
        line.reached.set()
        try:
            await line.release.wait()
        except asyncio.CancelledError:
            line.cut = True
            raise
