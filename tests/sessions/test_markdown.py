"""Nothing that was said changes how the document is read."""

from datetime import UTC, datetime

import pytest

from codelab.sessions.history import HistoryItem
from codelab.sessions.markdown import fenced, written

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def said(text: str) -> list[str]:
    item = HistoryItem(role="assistant", seq=1, turn_id="t", at=AT, agent="coder", text=text)
    lines = written(item).split("\n")
    assert lines[:3] == ["", "## coder, 2026-01-02 03:04 UTC", ""]
    assert all(line.startswith("> ") for line in lines[3:-1])
    return [line[2:] for line in lines[3:-1]]


def test_code_stays_as_it_was() -> None:
    text = "Use this:\n```html\n<b>bold</b>\n```\nand a < b"
    assert said(text) == text.split("\n")


@pytest.mark.parametrize(
    "before",
    [
        *("", "```\n```", "~~~\n```\n~~~", "``` `x`", " ```\n```", "1. ```\n   ```", "> ```\n```"),
        *("````\n```\n`````", "```\n ```", "text ```\n```", "`a\n"),
        *("```\n\t\t```\n```", "```\n   \t```\n```", "```\n```\u00a0\n```", "~~~\n\u3000~~~\n~~~"),
    ],
)
def test_outside_of_code_no_html_is_left(before: str) -> None:
    assert said(f"{before}\n<script>alert(1)</script>")[-1] == "&lt;script>alert(1)&lt;/script>"


def test_what_deceives_the_eye_is_spelled_out() -> None:
    assert said("a\u202eb\x1b[31m\r\nc") == ["a\\u202eb\\u001b[31m", "c"]


@pytest.mark.parametrize("text", ["", "```", "a ````` b", "~~~\n```\n"])
def test_no_text_ends_its_fence(text: str) -> None:
    first, *_, last = fenced(text)
    assert first == last and len(first) >= 3
    assert first not in text


def test_a_call_is_folded() -> None:
    call = HistoryItem(
        role="tool",
        seq=1,
        turn_id="t",
        at=AT,
        tool="<img>",
        parameters={"path": "</details>```"},
        ok=False,
        output="</details>",
    )
    text = written(call)
    assert "<summary>&#60;img&#62;: failed, 2026-01-02 03:04 UTC</summary>" in text
    assert text.count("\n</details>\n") == 2 and text.count("\n````json\n") == 1
