"""Answers that are given again: identical requests of the same user, for a while.

Off unless a setting says so. Which answers are kept, whose they are and when one is forgotten
is decided in docs/adr/0014-whose-answers-are-kept.md.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec

from codelab.kit.cache import Cache
from codelab.kit.ids import new_id
from codelab.llm.catalog.entries import ModelEntry
from codelab.sdk.messages import AssistantMessage, Message, ToolMessage, UserMessage
from codelab.sdk.model import Completion, Delta, ModelClient, ModelRequest, OnDelta

# Part of every key: what an older version has kept is not found.
_FORMAT = "1"
_WHOLE = ("stop", "tool_calls")
_LARGEST_BYTES = 256 * 1024
# Larger requests are hardly ever repeated, and summing them up holds up everybody.
_LARGEST_REQUEST_BYTES = 1024 * 1024
# Each doubted answer costs a sum over all that came before it.
_MOST_DOUBTED = 4
_PIECE_CHARACTERS = 64
# After so many pieces others get a turn.
_PIECES_AT_ONCE = 32


class ResponseCache:
    """Keeps whole answers and counts how often one was found.

    Args:
        cache: Where they are kept.
        keep_s: For how long.
    """

    def __init__(self, cache: Cache, keep_s: float) -> None:
        self._cache = cache
        self._keep_s = keep_s
        self.hits = 0
        self.misses = 0

    def looked_up(self) -> tuple[int, int]:
        """Return how often an answer was found, and how often not."""
        return self.hits, self.misses

    async def find(self, key: str) -> Completion | None:
        """Return the answer that is kept under a key, or none."""
        kept = await self._cache.get(key)
        try:
            found = msgspec.msgpack.decode(kept, type=Completion) if kept else None
        except (msgspec.ValidationError, msgspec.DecodeError):
            found = None
        self.hits += found is not None
        self.misses += found is None
        return found

    async def keep(self, key: str, answer: Completion) -> None:
        """Keep an answer, unless it is very large."""
        packed = msgspec.msgpack.encode(answer)
        if len(packed) <= _LARGEST_BYTES:
            await self._cache.put(key, packed, self._keep_s)

    async def forget(self, key: str) -> None:
        """Forget an answer."""
        await self._cache.delete(key)

    async def close(self) -> None:
        """Close what keeps the answers."""
        await self._cache.close()


class WithResponseCache:
    """Answers from the cache what was answered before, and keeps new answers.

    Args:
        client: Answers what is not kept.
        cache: Where answers are kept.
        entry: The model's entry as it is now: a changed one has no kept answers.
        owner: Whose answers they are; nobody is given another's.
        fresh: Whether the caller wants a new answer, which then replaces the kept one.
    """

    def __init__(
        self,
        client: ModelClient,
        cache: ResponseCache,
        *,
        entry: ModelEntry,
        owner: str,
        fresh: bool = False,
    ) -> None:
        self._client = client
        self._cache = cache
        self._model = entry.name
        self._scope = f"{_FORMAT} {fingerprint(entry)} {owner}"
        self._fresh = fresh

    async def stream(self, request: ModelRequest, on_delta: OnDelta) -> Completion:
        """Run the request, or give the kept answer as a stream.

        Raises:
            CodeLabError: As the client inside does; a failure of the cache is none.
        """
        if is_large(request):
            return await self._client.stream(request, on_delta)
        for messages in doubted(request.messages):
            await self._cache.forget(self._key(request, messages))
        key = self._key(request, request.messages)
        kept = None if self._fresh else await self._cache.find(key)
        if kept is not None:
            return await replay(kept, on_delta)
        answer = await self._client.stream(request, on_delta)
        if answer.model == self._model and worth_keeping(request, answer):
            await self._cache.keep(key, answer)
        elif self._fresh:
            await self._cache.forget(key)
        return answer

    def _key(self, request: ModelRequest, messages: tuple[Message, ...]) -> str:
        asked = msgspec.structs.replace(request, model=self._model, messages=messages)
        return request_key(asked, self._scope)


def fingerprint(entry: ModelEntry) -> str:
    """Sum up all that an entry says of its model; of a secret only where it comes from."""
    said = (entry.name, entry.provider, entry.model, entry.params)
    return _digest(said)


def request_key(request: ModelRequest, scope: str) -> str:
    """Sum up a request; calls are told apart by their order, since their ids never repeat."""
    messages = _with_numbered_calls(request.messages)
    return _digest((scope, msgspec.structs.replace(request, messages=messages)))


def is_large(request: ModelRequest) -> bool:
    """Tell whether a request is too large for the cache; looks no further than it must."""
    size = 0
    for part in (*request.tools, *request.messages):
        size += len(msgspec.json.encode(part, enc_hook=repr))
        if size > _LARGEST_REQUEST_BYTES:
            return True
    return False


def worth_keeping(request: ModelRequest, answer: Completion) -> bool:
    """Tell whether an answer is whole, and its calls could be carried out."""
    if answer.finish_reason not in _WHOLE:
        return False
    offered = {tool.name for tool in request.tools}
    usable = all(call.name in offered and _is_object(call.arguments) for call in answer.tool_calls)
    return usable and bool(answer.text or answer.tool_calls)


def doubted(messages: Sequence[Message]) -> list[tuple[Message, ...]]:
    """Find the earlier requests whose answers a conversation shows to have been no good.

    A tool that failed casts doubt on the answer that called it; a user who asks the same again,
    on all that was answered since the last time, of which the latest few are looked at.
    """
    newest = messages[-1] if messages else None
    answers = [at for at, each in enumerate(messages) if isinstance(each, AssistantMessage)]
    if isinstance(newest, ToolMessage) and answers:
        results = messages[answers[-1] :]
        failed = any(isinstance(each, ToolMessage) and not each.ok for each in results)
        return [tuple(messages[: answers[-1]])] if failed else []
    if isinstance(newest, UserMessage):
        asked = [at for at, each in enumerate(messages[:-1]) if each == newest]
        since = [at for at in answers if asked and at > asked[-1]]
        return [tuple(messages[:at]) for at in since[-_MOST_DOUBTED:]]
    return []


async def replay(kept: Completion, on_delta: OnDelta) -> Completion:
    """Stream a kept answer in pieces, the reasoning first; its calls get ids of their own."""
    size = _PIECE_CHARACTERS
    deltas = [
        *(Delta(reasoning=kept.reasoning[at : at + size]) for at in _steps(kept.reasoning)),
        *(Delta(text=kept.text[at : at + size]) for at in _steps(kept.text)),
    ]
    for number, delta in enumerate(deltas, start=1):
        on_delta(delta)
        if number % _PIECES_AT_ONCE == 0:
            await asyncio.sleep(0)
    return msgspec.structs.replace(
        kept,
        tool_calls=tuple(msgspec.structs.replace(call, id=new_id()) for call in kept.tool_calls),
        usage=msgspec.structs.replace(kept.usage, cost_usd=0.0),
        tried=(),
        from_cache=True,
    )


def _steps(text: str) -> range:
    return range(0, len(text), _PIECE_CHARACTERS)


def _with_numbered_calls(messages: Sequence[Message]) -> tuple[Message, ...]:
    numbers: dict[str, str] = {}

    def number(call_id: str) -> str:
        return numbers.setdefault(call_id, str(len(numbers)))

    def renamed(message: Message) -> Message:
        if isinstance(message, AssistantMessage):
            calls = [msgspec.structs.replace(c, id=number(c.id)) for c in message.tool_calls]
            return msgspec.structs.replace(message, tool_calls=tuple(calls))
        if isinstance(message, ToolMessage):
            return msgspec.structs.replace(message, call_id=number(message.call_id))
        return message

    return tuple(renamed(message) for message in messages)


def _digest(value: Any) -> str:
    # A hidden value shows itself only as the name of where it comes from.
    return hashlib.sha256(msgspec.json.encode(value, enc_hook=repr, order="sorted")).hexdigest()


def _is_object(arguments: str) -> bool:
    try:
        return isinstance(msgspec.json.decode(arguments or "{}"), dict)
    except msgspec.DecodeError:
        return False
