"""From a key to what is done with a request for approval."""

from __future__ import annotations

import enum
import json
from typing import Any

from codelab.cli.chat.transcript import Call


class Action(enum.Enum):
    """What a key means while an approval is asked."""

    APPROVE = "approve"
    ALWAYS = "always"
    REJECT = "reject"
    FEEDBACK = "feedback"
    EDIT = "edit"
    VIEW = "view"


# The second letter of each is what a Russian keyboard sends for the same key.
_KEYS = {
    "y": Action.APPROVE,
    "н": Action.APPROVE,
    "a": Action.ALWAYS,
    "ф": Action.ALWAYS,
    "n": Action.REJECT,
    "т": Action.REJECT,
    "f": Action.FEEDBACK,
    "а": Action.FEEDBACK,
    "e": Action.EDIT,
    "у": Action.EDIT,
    "v": Action.VIEW,
    "м": Action.VIEW,
}


def action_for(key: str) -> Action | None:
    """Return what the key means, or none."""
    return _KEYS.get(key.lower())


def editable(call: Call) -> str:
    """Return the parameters as text for an editor."""
    return json.dumps(call.parameters, ensure_ascii=False, indent=2) + "\n"


def edited(text: str | None) -> dict[str, Any]:
    """Read the parameters back from an editor.

    Raises:
        ValueError: They were not saved, or are not a JSON object; the text says which.
    """
    if text is None:
        raise ValueError("Nothing was saved.")
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"This is no JSON: {error}.") from None
    if not isinstance(value, dict):
        raise ValueError("The parameters must be a JSON object.")
    return value
