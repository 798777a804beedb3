"""Every link from one of our documents to another file leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conventions.documents import DOCS

ROOT = DOCS.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]

_CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", re.MULTILINE | re.DOTALL)
_TARGET = re.compile(r"\]\(<?([^)\s>]+)")


def broken(document: Path) -> list[str]:
    """Return the relative links of a document that lead nowhere."""
    targets = _TARGET.findall(_CODE.sub("", document.read_text("utf-8")))
    files = [each.partition("#")[0] for each in targets if not re.match(r"\w+:|/", each)]
    return [file for file in files if file and not (document.parent / file).exists()]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda each: str(each.relative_to(ROOT)))
def test_links_lead_to_files(document: Path) -> None:
    assert broken(document) == []


def test_a_link_to_nothing_is_found(tmp_path: Path) -> None:
    document = tmp_path / "a.md"
    document.write_text(
        "[itself](a.md#part) [gone](gone.md) [web](https://example.org/x) [part](#part)\n"
        "`[code](none.md)`\n```\n[code](none.md)\n```\n![image](images/none.png)\n"
    )
    assert broken(document) == ["gone.md", "images/none.png"]
