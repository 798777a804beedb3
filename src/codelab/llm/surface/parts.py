"""What OpenAI's two ways of asking have in common: texts in parts, bounded names."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from codelab.kit.errors import InvalidInput

MOST_PARTS = 10_000

Text = Annotated[str, Meta(max_length=4 * 1024 * 1024)]
Name = Annotated[str, Meta(min_length=1, max_length=256)]

_TEXTS = {"text", "input_text", "output_text", "summary_text", "reasoning_text"}
_WORDS = {
    "image_url": "Images",
    "input_image": "Images",
    "input_audio": "Sound",
    "file": "Files",
    "input_file": "Files",
}


class Part(msgspec.Struct):
    """A part of a message; texts and refusals are read."""

    type: Name = "text"
    text: Text | None = None
    refusal: Text | None = None


Content = Text | Annotated[list[Part], Meta(max_length=MOST_PARTS)] | None


def text_of(content: Content, field: str) -> str:
    """Return the text of a message.

    Args:
        content: A text, or its parts.
        field: Where the content stands, for who has to mend it.

    Raises:
        InvalidInput: There is something else in it.
    """
    if content is None or isinstance(content, str):
        return content or ""
    return "".join(_text_of(part, f"{field}[{n}].type") for n, part in enumerate(content))


def _text_of(part: Part, field: str) -> str:
    if part.type == "refusal":
        return part.refusal or ""
    if part.type not in _TEXTS:
        what = _WORDS.get(part.type, f"Parts of type {part.type!r}")
        raise InvalidInput(f"{what} cannot be sent to a model here: only text can.", field=field)
    return part.text or ""
