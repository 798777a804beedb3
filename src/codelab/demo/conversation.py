"""A conversation as the scripted model sees it: the last question and what was done since."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from codelab.sdk.messages import AssistantMessage, Message, ToolCall, ToolMessage, UserMessage
from codelab.sdk.model import ModelRequest

# What comes out of a tool stands between these.
_MARKED = re.compile(r"<data (\w+)>\n(.*)\n</data \1>.*", re.DOTALL)
_CYRILLIC = re.compile(r"[а-яё]", re.IGNORECASE)


class Result(msgspec.Struct, frozen=True):
    """What one tool call of the running turn gave."""

    tool: str
    path: str
    content: str
    ok: bool


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """The running turn: what the human asked last, and what followed.

    Args:
        question: What the human asked last.
        tools: The names of the tools that the model may ask for.
        results: The results of its calls since then.
    """

    question: str
    tools: frozenset[str] = frozenset()
    results: tuple[Result, ...] = ()

    @property
    def russian(self) -> bool:
        """Tell whether to answer in Russian."""
        return _CYRILLIC.search(self.question) is not None

    def result(self, tool: str, path: str | None = None) -> Result | None:
        """Return the latest result of a tool, of any path or of one."""
        for result in reversed(self.results):
            if result.tool == tool and path in (None, result.path):
                return result
        return None


def read_exchange(request: ModelRequest) -> Exchange:
    """Find the last question and what followed it."""
    turn = _since_question(request.messages)
    question = turn[0].text if turn and isinstance(turn[0], UserMessage) else ""
    calls = {
        call.id: call
        for each in turn
        if isinstance(each, AssistantMessage)
        for call in each.tool_calls
    }
    return Exchange(
        question=question,
        tools=frozenset(tool.name for tool in request.tools),
        results=tuple(
            Result(each.name, _path(calls.get(each.call_id)), _unmarked(each.content), each.ok)
            for each in turn
            if isinstance(each, ToolMessage)
        ),
    )


def _since_question(messages: Sequence[Message]) -> Sequence[Message]:
    for index in range(len(messages) - 1, -1, -1):
        if isinstance(messages[index], UserMessage):
            return messages[index:]
    return ()


def _unmarked(content: str) -> str:
    match = _MARKED.fullmatch(content)
    return match[2] if match else content


def _path(call: ToolCall | None) -> str:
    if call is None:
        return ""
    path = msgspec.json.decode(call.arguments).get("path", "")
    return path if isinstance(path, str) else ""
