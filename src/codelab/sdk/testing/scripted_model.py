"""A model that says what a test wants it to say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from codelab.kit.ids import new_id
from codelab.sdk.messages import ToolCall
from codelab.sdk.model import Completion, Delta, ModelRequest, OnDelta

_NAME = "scripted"
_WORD = re.compile(r"\S*\s*")


class ScriptEnded(AssertionError):
    """The agent asked the model more often than the test expected."""


def say(text: str, *calls: ToolCall) -> Completion:
    """Script an answer; with calls, what the model says before it waits for their results."""
    reason = "tool_calls" if calls else "stop"
    return Completion(model=_NAME, text=text, tool_calls=calls, finish_reason=reason)


def call(tool: str, arguments: Mapping[str, Any] | str = "{}") -> ToolCall:
    """Script a wish to run a tool; arguments as text may be broken, as a model's sometimes are."""
    text = arguments if isinstance(arguments, str) else msgspec.json.encode(arguments).decode()
    return ToolCall(id=new_id(), name=tool, arguments=text)


class ScriptedModel:
    """Implements `sdk.ModelClient`: answers with the given completions, one per request.

    An error in the script is raised in its turn. What was asked is in `requests`.
    """

    def __init__(self, script: Iterable[Completion | Exception]) -> None:
        self.requests: list[ModelRequest] = []
        self._script = iter(script)

    async def stream(self, request: ModelRequest, on_delta: OnDelta) -> Completion:
        """Hand out the next answer word by word, then return it whole.

        Raises:
            ScriptEnded: There is no further answer.
        """
        self.requests.append(request)
        answer = next(self._script, None)
        if answer is None:
            raise ScriptEnded(f"The script has no answer number {len(self.requests)}.")
        if isinstance(answer, Exception):
            raise answer
        for word in _WORD.findall(answer.text):
            if word:
                on_delta(Delta(text=word))
        return answer
