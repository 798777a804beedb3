"""The scripted model behind the same interface as every model."""

from __future__ import annotations

import asyncio
import re
import uuid

import msgspec

from codelab.demo.conversation import read_exchange
from codelab.demo.tour import next_answer
from codelab.sdk.messages import ToolCall
from codelab.sdk.model import Completion, Delta, ModelInfo, ModelRequest, OnDelta, Usage

MODEL = ModelInfo(
    name="demo/scripted-tour",
    provider="CodeLab demo (a script, no AI)",
    description="A scripted guided tour of the sample project; no AI model, no network, no cost.",
)

_CHARACTERS_PER_TOKEN = 4
_PIECE = re.compile(r"\S+\s*|\s+")


class ScriptedClient:
    """Streams the script's answers word by word.

    Args:
        pause_s: Between two words, so that people see it stream.
    """

    def __init__(self, pause_s: float = 0.02) -> None:
        self._pause_s = pause_s

    async def stream(self, request: ModelRequest, on_delta: OnDelta) -> Completion:
        """Answer by the script."""
        answer = next_answer(read_exchange(request))
        for piece in _PIECE.findall(answer.text):
            on_delta(Delta(text=piece))
            await asyncio.sleep(self._pause_s)
        calls = tuple(
            ToolCall(
                id=f"call_{uuid.uuid4().hex}",
                name=ask.tool,
                arguments=msgspec.json.encode(ask.arguments).decode(),
            )
            for ask in answer.asks
        )
        return Completion(
            model=request.model,
            text=answer.text,
            tool_calls=calls,
            finish_reason="tool_calls" if calls else "stop",
            usage=_estimate(request, answer.text, calls),
        )


def _estimate(request: ModelRequest, text: str, calls: tuple[ToolCall, ...]) -> Usage:
    asked = len(msgspec.json.encode(request.messages))
    answered = len(text) + sum(len(call.arguments) for call in calls)
    return Usage(
        input_tokens=asked // _CHARACTERS_PER_TOKEN,
        output_tokens=answered // _CHARACTERS_PER_TOKEN,
        estimated=True,
    )
