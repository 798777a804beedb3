"""What the model layer tells the rest of the process."""

from __future__ import annotations

from codelab.kit.events import EphemeralEvent, Event
from codelab.sdk.model import Usage


class ModelCalled(EphemeralEvent, frozen=True, kw_only=True):
    """A call of a model is over, well or not.

    Args:
        model: The catalogue name of the model that answered, or of the one asked for.
        provider: Who ran it.
        first_token_ms: Until the first piece of the answer; none when there was no piece.
        ok: Whether an answer came to its end.
        error_code: The code of what went wrong, `cancelled` when the caller gave up.
        tried: What was tried before and failed, as `name: code`.
        from_cache: Whether no model was asked, since an identical request had been answered.
    """

    session_id: str
    user_id: str
    turn_id: str
    agent: str
    model: str
    provider: str
    usage: Usage
    first_token_ms: int | None
    duration_ms: int
    ok: bool
    error_code: str = ""
    tried: tuple[str, ...] = ()
    from_cache: bool = False


class AddedModelEvent(Event, frozen=True, kw_only=True):
    """Something about a model that an administrator has added while the server ran.

    Args:
        name: The model's name in the catalogue.
        by: Who did it.
    """

    name: str
    by: str


class ModelAdded(AddedModelEvent, frozen=True, kw_only=True):
    """An administrator added a model."""


class ModelChanged(AddedModelEvent, frozen=True, kw_only=True):
    """An administrator changed an added model, its key or its address perhaps."""


class ModelRemoved(AddedModelEvent, frozen=True, kw_only=True):
    """An administrator took an added model away."""
