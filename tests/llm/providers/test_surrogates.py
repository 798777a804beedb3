"""Characters in halves become whole."""

from __future__ import annotations

import json

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from codelab.llm.providers.surrogates import HalfCharacters


@given(st.text(), st.integers(1, 3))
def test_a_text_that_is_cut_in_its_halves_is_put_together(text: str, size: int) -> None:
    units = text.encode("utf-16-le", "surrogatepass")
    pieces = [
        units[at : at + 2 * size].decode("utf-16-le", "surrogatepass")
        for at in range(0, len(units), 2 * size)
    ]
    halves, got = HalfCharacters(), []
    for piece in pieces:
        event = json.dumps({"text": piece}).encode()
        try:
            decoded = msgspec.json.decode(event)
        except msgspec.DecodeError:
            decoded = msgspec.json.decode(halves.mend(event))
        got.append(decoded["text"])
    assert "".join(got) == text
