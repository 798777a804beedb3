"""How many tokens a model takes for something: a cheap guess, and what is learnt of each model."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import msgspec

from codelab.sdk.messages import AssistantMessage, Message, ToolMessage

# UTF-8 bytes per token: a careful guess that needs no tokenizer on the way to the first token.
BYTES_PER_TOKEN = 3.6
PER_MESSAGE = 8
# What a model's own count may be, measured in our guesses; beyond it, it counts something else.
LEAST_FACTOR, MOST_FACTOR = 0.6, 3.0
_PLAUSIBLE = (0.4, 4.0)
_TOO_SHORT = 400
_FALL = 0.2
_OVERFLOWED = 1.25
# Whoever names less has not named the window.
_LEAST_WINDOW = 2_000
# A refusal may quote anything; a window is near what is known, or near what was just refused.
_LEAST_OF_KNOWN, _LEAST_OF_GUESS = 0.25, 0.5
# A window that was learnt is believed for so long: a provider may change, or have been wrong.
_BELIEVED_S = 600.0


def estimate_tokens(text: str) -> int:
    """Guess how many tokens a text takes, rather too many than too few."""
    # An ASCII text knows that it is one, so its length in bytes costs nothing.
    size = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
    return int(size / BYTES_PER_TOKEN) + 1


def message_tokens(message: Message) -> int:
    """Guess how many tokens a message takes."""
    match message:
        case AssistantMessage(text=text, tool_calls=calls, thinking=thinking):
            thoughts = (
                [text for part in thinking.parts for text in part.values()] if thinking else []
            )
            texts = [text, *(call.name + call.arguments for call in calls), *thoughts]
        case ToolMessage(content=content):
            texts = [content]
        case _:
            texts = [message.text]
    return PER_MESSAGE + sum(map(estimate_tokens, texts))


def document_tokens(document: Any) -> int:
    """Guess how many tokens something takes that is sent as JSON."""
    return int(len(msgspec.json.encode(document)) / BYTES_PER_TOKEN) + 1


def learnt(factor: float, *, guessed: int, counted: int) -> float:
    """Return a model's factor after one more request, of which its provider counted the tokens.

    It rises at once and falls slowly: a prompt that is too long costs more than one too short.
    """
    if guessed < _TOO_SHORT:
        return factor
    ratio = counted / guessed
    if not _PLAUSIBLE[0] <= ratio <= _PLAUSIBLE[1]:
        return factor
    moved = ratio if ratio > factor else factor + (ratio - factor) * _FALL
    return min(max(moved, LEAST_FACTOR), MOST_FACTOR)


class LearntWindow(msgspec.Struct, frozen=True):
    """A window that a refusal has named, and when that was, in seconds."""

    tokens: int
    learnt_at_s: float

    def of(self, known: int, now_s: float) -> int:
        """Return the window that counts now: this one while it is fresh and the smaller."""
        is_fresh = now_s - self.learnt_at_s < _BELIEVED_S
        return min(known, self.tokens) if is_fresh else known


def learnt_window(limit: int, *, known: int, guessed: int, now_s: float) -> LearntWindow | None:
    """Return the window that a refusal teaches; none where it cannot be one.

    Args:
        limit: The window as the refusal names it.
        known: The window as the catalogue has it.
        guessed: Our guess of the prompt that was refused.
        now_s: The time, in seconds of a clock that never goes back.
    """
    if limit < known * _LEAST_OF_KNOWN and limit < guessed * _LEAST_OF_GUESS:
        return None
    return LearntWindow(max(limit, _LEAST_WINDOW), now_s)


class TokenCounter:
    """What this process has learnt of how each model counts.

    Args:
        clock: Seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._factors: dict[str, float] = {}
        self._windows: dict[str, LearntWindow] = {}

    def factor(self, model: str) -> float:
        """Return by what our guesses are multiplied for a model; 1 until something is known."""
        return self._factors.get(model, 1.0)

    def window(self, model: str, known: int) -> int:
        """Return the size of a model's window: the known one, or what its provider has named."""
        window = self._windows.get(model)
        return window.of(known, self._clock()) if window else known

    def learn(self, model: str, *, guessed: int, counted: int) -> None:
        """Take into account what a provider counted for a request, beside our own guess."""
        self._factors[model] = learnt(self.factor(model), guessed=guessed, counted=counted)

    def overflowed(
        self,
        model: str,
        *,
        guessed: int,
        known: int,
        limit_tokens: int | None,
        asked_tokens: int | None,
    ) -> None:
        """Take into account that a prompt was too long.

        Args:
            model: The model.
            guessed: Our guess of the prompt.
            known: The window as the catalogue has it.
            limit_tokens: The window, where the provider has named it.
            asked_tokens: Its own count of the prompt, where it has named that.
        """
        if asked_tokens:
            self.learn(model, guessed=guessed, counted=asked_tokens)
        window = None
        if limit_tokens:
            now_s = self._clock()
            window = learnt_window(limit_tokens, known=known, guessed=guessed, now_s=now_s)
        if window:
            self._windows[model] = window
        if not (asked_tokens or window):
            self._factors[model] = min(self.factor(model) * _OVERFLOWED, MOST_FACTOR)
