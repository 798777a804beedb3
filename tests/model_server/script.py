"""What a test scripts, and what it can ask about afterwards."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import msgspec

Body = dict[str, Any]


class Question(msgspec.Struct, frozen=True):
    """The parts of a request that a reply can be chosen by."""

    model: str
    system: str
    last: str


class When(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The requests a reply is meant for; every condition given must hold.

    `last_contains` looks at the last message only, tool results included; `model` must be equal.
    """

    system_contains: str | None = None
    last_contains: str | None = None
    model: str | None = None

    def matches(self, question: Question) -> bool:
        """Whether the request meets every condition."""
        return (
            (self.system_contains is None or self.system_contains in question.system)
            and (self.last_contains is None or self.last_contains in question.last)
            and (self.model is None or self.model == question.model)
        )


class Usage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Token counts to report, as far as a provider has a word for them.

    `input` includes what came from the cache and what was written to it, whatever its habit.
    """

    input: int = 10
    output: int = 5
    cached: int = 0
    cache_written: int = 0


class ToolCall(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A call the model makes; `arguments` given as a string go out as they are, JSON or not."""

    name: str
    arguments: dict[str, Any] | str = {}
    id: str | None = None


class Reply(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One scripted answer.

    A *chunk*, as `stall_after`, `cut_after` and `error_after` count them, is a piece of text, of
    reasoning or of a tool call; what a provider sends around those is not counted. A number beyond
    the last chunk means after the last chunk and before the answer's end. A server that stalls
    gives an empty sign of life every `ping_s`, if that is set. `text` given as a list fixes the
    chunks exactly. `finish_reason` is in OpenAI's words and is translated for the other providers.
    Usage is reported where the provider does, by OpenAI only when asked to. Times are in seconds.
    """

    text: str | list[str] = ""
    tool_calls: list[ToolCall] = []
    reasoning: str = ""
    usage: Usage | None = Usage()
    split: Literal["normal", "bytes", "network"] = "normal"
    status: int = 200
    headers: dict[str, str] = {}
    delay_s: float = 0.0
    token_delay_s: float = 0.0
    stall_after: int | None = None
    ping_s: float = 0.0
    cut_after: int | None = None
    error_after: int | None = None
    finish_reason: str | None = None
    context_overflow: bool = False
    when: When | None = None
    repeat: bool = False

    @property
    def whole_text(self) -> str:
        """The text without its division into chunks."""
        return self.text if isinstance(self.text, str) else "".join(self.text)

    @property
    def reason(self) -> str:
        """Why the answer ends, in OpenAI's words."""
        return self.finish_reason or ("tool_calls" if self.tool_calls else "stop")


class SeenRequest(msgspec.Struct):
    """A request the server received; `headers` are in lower case and leave the key out.

    `reply` is the index of the reply chosen from the script, none when nothing fitted.
    `cut_after_s` counts from the request's arrival.
    """

    path: str
    headers: dict[str, str]
    body: Body
    reply: int | None = None
    chunks_sent: int = 0
    finished: bool = False
    cut_by_client: bool = False
    cut_after_s: float | None = None


class Script:
    """The replies for one key, used up as requests match them."""

    def __init__(self) -> None:
        self.seen: list[SeenRequest] = []
        self.idle = asyncio.Event()
        self.idle.set()
        self._running = 0
        self._waiting: list[tuple[int, Reply]] = []

    def replace(self, replies: Sequence[Reply]) -> None:
        """Forget the replies that are left and script these; the requests seen so far stay."""
        self._waiting = list(enumerate(replies))

    @contextmanager
    def running(self) -> Iterator[None]:
        """Spans the answer to one request; `idle` is set while none is under way."""
        self._running += 1
        self.idle.clear()
        try:
            yield
        finally:
            self._running -= 1
            if self._running == 0:
                self.idle.set()

    def take(self, question: Question) -> tuple[int, Reply] | None:
        """The first reply left that fits, with its index; it is used up unless it repeats."""
        for place, (index, reply) in enumerate(self._waiting):
            if reply.when is None or reply.when.matches(question):
                if not reply.repeat:
                    del self._waiting[place]
                return index, reply
        return None
