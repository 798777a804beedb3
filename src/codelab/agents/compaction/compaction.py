"""What of a conversation is hidden when it takes too much of the window: the decision. Pure.

Results age out first, the oldest first; then the oldest messages are hidden, each call together
with its results; what is still too long is shown in part. The newest part, the user's request and
every call that is still open are kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import msgspec

from codelab.agents.budget import Limits
from codelab.agents.context import AGED_OUT, CUT
from codelab.agents.counting import BYTES_PER_TOKEN, PER_MESSAGE, estimate_tokens
from codelab.sdk.messages import AssistantMessage, Message, ToolMessage, UserMessage

# A pass that saves less is not worth another prompt without the provider's cache.
_WORTHWHILE = 0.05
_AGED_FROM_TOKENS = 200
_SHORTEST_TOKENS = 100
_AGED_TOKENS = PER_MESSAGE + estimate_tokens(AGED_OUT)
_NOTE_TOKENS = 40
# What is cut keeps the marks around it, which are as long as these.
_MARKS = "<data 01234567>\n\n</data 01234567>"
_CUT_TOKENS = PER_MESSAGE + estimate_tokens(CUT + _MARKS) + 1


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """A message as it is shown now.

    Args:
        key: Its name.
        message: What is shown of it.
        guess: Our guess of its tokens.
        pinned: Whether it must stay.
    """

    key: str
    message: Message
    guess: int
    pinned: bool = False


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done.

    Args:
        aged: Results to replace by a note.
        hidden: Messages to leave out.
        shortened: Messages to show in part, with the bytes that are left of each.
        before: What the prompt takes now.
        after: What it will take, a summary of the greatest length included.
        summarise: Whether what is hidden is worth a summary.
    """

    aged: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    shortened: tuple[tuple[str, int], ...] = ()
    before: int = 0
    after: int = 0
    summarise: bool = False


def decide(pieces: Sequence[Piece], *, fixed: int, factor: float, limits: Limits) -> Plan | None:
    """Decide what to hide of a prompt; none where it may stay as it is.

    Args:
        pieces: The conversation as it is shown now, oldest first.
        fixed: The tokens of instructions, tools and what stands for the parts hidden before.
        factor: The model's tokens for each of our guesses.
        limits: When and how far.
    """
    draft = _Draft(pieces, fixed, factor)
    before = draft.used
    if before <= limits.begin:
        return None
    groups = _groups(pieces)
    older = _older(groups, int(limits.kept / factor))
    draft.age(older, limits.end)
    summarise = draft.hide(older, limits)
    if draft.used > limits.begin:
        draft.shorten([piece for group in groups for piece in group], limits.end)
    if before - draft.used < before * _WORTHWHILE and before <= limits.budget:
        return None
    if draft.used >= before:
        return None
    return Plan(
        aged=tuple(draft.aged),
        hidden=tuple(draft.hidden),
        shortened=tuple(draft.shortened.items()),
        before=before,
        after=draft.used,
        summarise=summarise,
    )


@dataclass
class _Draft:
    """A plan while it is made."""

    pieces: Sequence[Piece]
    fixed: int
    factor: float
    aged: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    shortened: dict[str, int] = field(default_factory=dict)
    reserved: int = 0

    def __post_init__(self) -> None:
        self.guesses = {piece.key: piece.guess for piece in self.pieces}
        self.total = sum(piece.guess for piece in self.pieces)

    @property
    def used(self) -> int:
        return self.fixed + self.reserved + int(self.total * self.factor)

    def age(self, older: Iterable[Sequence[Piece]], end: int) -> None:
        for piece in (piece for group in older for piece in group):
            if self.used <= end:
                return
            if isinstance(piece.message, ToolMessage) and piece.guess > _AGED_FROM_TOKENS:
                self.aged.append(piece.key)
                self._resize(piece.key, _AGED_TOKENS)

    def hide(self, older: Iterable[Sequence[Piece]], limits: Limits) -> bool:
        """Hide the oldest groups; tell whether that is worth a summary."""
        before = self.used
        for group in older:
            if self.used + limits.summary <= limits.end:
                break
            for piece in group:
                self.hidden.append(piece.key)
                self._resize(piece.key, 0)
        if not self.hidden:
            return False
        hidden = set(self.hidden)
        self.aged = [key for key in self.aged if key not in hidden]
        worth_it = before - self.used - limits.summary >= before * _WORTHWHILE
        self.reserved = limits.summary if worth_it else _NOTE_TOKENS
        return worth_it

    def shorten(self, kept: Iterable[Piece], end: int) -> None:
        """Show the longest of what is kept in part: results first, then other texts."""
        left = [piece for piece in kept if self.guesses[piece.key] > _SHORTEST_TOKENS]
        left.sort(key=lambda piece: (not isinstance(piece.message, ToolMessage), -piece.guess))
        for piece in left:
            excess = int((self.used - end) / self.factor) + 1
            if self.used <= end:
                return
            size = self.guesses[piece.key]
            overhead = _CUT_TOKENS + size - _text_tokens(piece.message)
            room = max(_SHORTEST_TOKENS, size - excess) - overhead
            if piece.key not in self.aged and room > 0 and room + overhead < size:
                self.shortened[piece.key] = int(room * BYTES_PER_TOKEN)
                self._resize(piece.key, room + overhead)

    def _resize(self, key: str, guess: int) -> None:
        self.total += guess - self.guesses[key]
        self.guesses[key] = guess


def _groups(pieces: Sequence[Piece]) -> list[list[Piece]]:
    """Put each call together with its results: neither may stand alone."""
    groups: list[list[Piece]] = []
    for piece in pieces:
        if isinstance(piece.message, ToolMessage) and groups:
            groups[-1].append(piece)
        else:
            groups.append([piece])
    return groups


def _older(groups: Sequence[Sequence[Piece]], kept: int) -> list[Sequence[Piece]]:
    """Return the groups that may be hidden: not the newest, nothing pinned, no open call."""
    start, room = len(groups), kept
    while start > 0:
        room -= sum(piece.guess for piece in groups[start - 1])
        if room < 0 and start < len(groups):
            break
        start -= 1
    older = groups[:start]
    return [group for group in older if not any(_must_stay(piece, group) for piece in group)]


def _must_stay(piece: Piece, group: Sequence[Piece]) -> bool:
    message = piece.message
    if piece.pinned or not isinstance(message, AssistantMessage):
        return piece.pinned
    results = {one.message.call_id for one in group if isinstance(one.message, ToolMessage)}
    return any(call.id not in results for call in message.tool_calls)


def _text_tokens(message: Message) -> int:
    match message:
        case ToolMessage(content=content):
            return estimate_tokens(content)
        case AssistantMessage(text=text) | UserMessage(text=text):
            return estimate_tokens(text)
    return 0
