"""A conversation's prompt as its facts have it, and what it takes of the window."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from codelab.agents import context
from codelab.agents.budget import (
    Limits,
    answer_tokens,
    limits_of,
    prompt_window,
    used_tokens,
)
from codelab.agents.compaction.compaction import Piece
from codelab.agents.counting import (
    TokenCounter,
    document_tokens,
    estimate_tokens,
    message_tokens,
)
from codelab.sdk.messages import Message, SystemMessage, UserMessage
from codelab.sdk.model import ModelInfo, ModelRequest, ToolSpec
from codelab.sessions.api import Said
from codelab.sessions.events import ContextCompacted, ContextParts


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a prompt is made of.

    Args:
        agent: Whose conversation it is.
        model: Who is asked.
        system: The agent's instructions.
        tools: What it may call.
        said: What was said, oldest first.
        compactions: What was hidden of it, oldest first.
        pinned: The keys of messages that must stay.
        chosen_model: The model that the user has chosen, if any: no other gets to read it.
        task_id: The task it belongs to.
        instructions: What the project tells everybody who works on it.
    """

    agent: str
    model: ModelInfo
    system: SystemMessage
    tools: tuple[ToolSpec, ...]
    said: Sequence[Said]
    compactions: Sequence[ContextCompacted]
    pinned: frozenset[str] = frozenset()
    chosen_model: str | None = None
    task_id: str = ""
    instructions: str = ""


class Prompt(msgspec.Struct, frozen=True, kw_only=True):
    """A prompt and what it takes.

    Args:
        request: What the model is asked.
        guess: Our guess of its tokens.
        factor: The model's tokens for each of our guesses.
        fixed: The tokens of all but the pieces.
        pieces: The conversation as it is shown.
        parts: The tokens of each part, and those kept for the answer.
        budget_tokens: What the prompt may take.
    """

    request: ModelRequest
    guess: int
    factor: float
    fixed: int
    pieces: tuple[Piece, ...]
    parts: ContextParts
    budget_tokens: int

    @property
    def used_tokens(self) -> int:
        """What the prompt takes."""
        return used_tokens(self.parts)

    @property
    def limits(self) -> Limits:
        """When it is compacted, and how far."""
        return limits_of(self.budget_tokens, self.fixed)


class Prompter:
    """Writes the prompts of one turn; remembers how long its messages are.

    Args:
        counter: Knows how models count.
        limit: The longest prompt this server allows, in tokens.
    """

    def __init__(self, counter: TokenCounter, limit: int) -> None:
        self._counter = counter
        self._limit = limit
        self._guesses: dict[tuple[str, int], int] = {}
        self._tools: dict[str, int] = {}

    def prompt(self, conversation: Conversation) -> Prompt:
        """Write the prompt as the facts have it, and measure it."""
        view = context.view_of(conversation.compactions)
        factor = self._counter.factor(conversation.model.name)
        pieces: list[Piece] = []
        attached = 0
        for said in conversation.said:
            message = context.shown(said, view)
            if message is None:
                continue
            whole = message is said.message
            guess = self._guess(said, message, view)
            if said.attached and whole and isinstance(message, UserMessage):
                attached += estimate_tokens(message.text[-said.attached :])
            pinned = said.key in conversation.pinned
            pieces.append(Piece(key=said.key, message=message, guess=guess, pinned=pinned))
        note = context.note_for(view, conversation.instructions)
        noted = message_tokens(note) if note else 0
        tools = self._tool_tokens(conversation)
        system = message_tokens(conversation.system)
        said_tokens = sum(piece.guess for piece in pieces)
        model = self._windowed(conversation.model)
        shown = context.conversation(conversation.said, view, conversation.instructions)
        return Prompt(
            request=ModelRequest(
                model=model.name,
                messages=(conversation.system, *shown),
                tools=conversation.tools,
            ),
            guess=system + tools + noted + said_tokens,
            factor=factor,
            fixed=int((system + tools + noted) * factor),
            pieces=tuple(pieces),
            parts=ContextParts(
                system=int(system * factor),
                tools=int(tools * factor),
                history=int((noted + said_tokens - attached) * factor),
                attachments=int(attached * factor),
                answer=answer_tokens(model),
            ),
            budget_tokens=prompt_window(model, self._limit),
        )

    def _windowed(self, model: ModelInfo) -> ModelInfo:
        window = self._counter.window(model.name, model.context_tokens)
        return msgspec.structs.replace(model, context_tokens=window)

    def _guess(self, said: Said, message: Message, view: context.View) -> int:
        state = 0
        if message is not said.message:
            state = -1 if said.key in view.aged else view.shortened.get(said.key, 0)
        guess = self._guesses.get((said.key, state))
        if guess is None:
            guess = self._guesses[said.key, state] = message_tokens(message)
        return guess

    def _tool_tokens(self, conversation: Conversation) -> int:
        name = f"{conversation.agent}:{bool(conversation.task_id)}"
        if name not in self._tools:
            self._tools[name] = document_tokens(conversation.tools)
        return self._tools[name]
