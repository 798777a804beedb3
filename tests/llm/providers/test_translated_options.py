"""Options are translated once for the same ones, and nobody's copy is anybody else's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from codelab.llm.providers.litellm_library import LiteLLM
from codelab.llm.providers.openai_format import write_options, write_tools
from codelab.llm.providers.translated_options import MOST_REMEMBERED, TranslatedOptions
from tests.llm.layer import READ_FILE, request


class Plan(msgspec.Struct, frozen=True):
    model: str = "claude-sonnet-4-6"
    provider: str = "anthropic"
    api_base: str | None = "https://api.anthropic.com"
    wire: str = "anthropic"


@pytest.fixture
async def litellm() -> AsyncIterator[Any]:
    library = LiteLLM()
    yield await library.load()
    await library.close()


async def test_the_same_options_are_translated_once(litellm: Any) -> None:
    options, remembered = write_options(request("a", tools=(READ_FILE,))), TranslatedOptions()
    first = remembered.translated(litellm, Plan(), options, [])
    assert first is not None
    expected = msgspec.json.encode(first)
    # litellm's own code changes what it is given.
    first["tools"].clear()
    first.clear()
    again = remembered.translated(None, Plan(), options, [])
    assert msgspec.json.encode(again) == expected
    with pytest.raises(AttributeError):
        remembered.translated(None, Plan(), {**options, "temperature": 0.5}, [])


async def test_tools_make_a_difference(litellm: Any) -> None:
    remembered = TranslatedOptions()
    plain = remembered.translated(litellm, Plan(), {"stream": True}, [])
    with_tools = {"stream": True, "tools": write_tools((READ_FILE,))}
    assert plain is not None
    assert "tools" not in plain
    assert "tools" in (remembered.translated(litellm, Plan(), with_tools, []) or {})


async def test_what_is_remembered_is_bounded(litellm: Any) -> None:
    remembered = TranslatedOptions()
    for number in range(MOST_REMEMBERED + 10):
        remembered.translated(litellm, Plan(), {"max_tokens": number + 1}, [])
    assert remembered.size <= MOST_REMEMBERED
