"""What the interface says in Russian for the server is what the server says."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def said(source: str) -> set[str]:
    """Return the texts of a module, with `{}` for what an f-string puts in."""
    texts = set[str]()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Constant(value=str(text)):
                texts.add(text)
            case ast.JoinedStr(values=parts):
                texts.add("".join(_text(part) for part in parts))
    return texts


def test_every_sentence_is_one_of_the_server() -> None:
    russian = json.loads((ROOT / "web/src/i18n/sentences.json").read_text("utf-8"))
    known = set[str]()
    for module in (ROOT / "src/codelab").rglob("*.py"):
        known |= said(module.read_text("utf-8"))
    assert [each for each in russian if re.sub(r"\{\w+\}", "{}", each) not in known] == []
    assert [each for each, told in russian.items() if _values(each) != _values(told)] == []


def _text(part: ast.expr) -> str:
    return str(part.value) if isinstance(part, ast.Constant) else "{}"


def _values(sentence: str) -> list[str]:
    return sorted(re.findall(r"\{\w+\}", sentence))
