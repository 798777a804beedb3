import base64
import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelab.auth import setup_page
from codelab.auth.setup_page import HEADERS, choose_language, done_page, form_page, problem_page


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("ru", "ru"),
        ("ru-RU,ru;q=0.9,en;q=0.8", "ru"),
        ("en-US,en;q=0.9,ru;q=0.8", "en"),
        ("de,fr;q=0.9", "en"),
        ("de,ru;q=0.5,en;q=0.4", "ru"),
        ("en;q=0.1, RU;q=0.2", "ru"),
        ("ru;q=0", "en"),
        ("ru;q=nonsense", "en"),
        ("russian", "en"),
    ],
)
def test_the_page_speaks_the_browsers_language(header: str, language: str) -> None:
    assert choose_language(header) == language


@given(st.text())
def test_any_header_gives_a_language(header: str) -> None:
    assert choose_language(header) in ("en", "ru")


@pytest.mark.parametrize("language", ["en", "ru"])
def test_pages_need_nothing_from_elsewhere_and_hold_no_script(
    language: setup_page.Language,
) -> None:
    pages = [
        form_page(language, "token"),
        problem_page(language, "setup_closed"),
        done_page(language, "codelab chat --server '<h>'"),
    ]
    assert f'<html lang="{language}">' in pages[0]
    assert "codelab chat --server &#x27;&lt;h&gt;&#x27;" in pages[2]
    for page in pages:
        assert not re.search(r"<script|javascript:|\son\w+=|https?://|url\(|@import", page)
        style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
        assert style is not None
        digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
        assert f"style-src 'sha256-{digest}'" in HEADERS["Content-Security-Policy"]
        assert not re.search(r"\sstyle=", page)


@given(st.text(), st.text())
def test_what_was_typed_stays_text(token: str, name: str) -> None:
    page = form_page("en", f'"><b>{token}', name=f"'\"><i>{name}")
    assert "<b>" not in page
    assert "<i>" not in page
    assert page.count('"') % 2 == 0


@pytest.mark.parametrize(
    "problem", ["username", "password", "again", "setup_closed", "setup_token_invalid"]
)
def test_every_problem_has_words_in_both_languages(problem: str) -> None:
    english, russian = (form_page(one, "token", problem=problem) for one in ("en", "ru"))
    for page in (english, russian):
        assert 'role="alert"' in page
    assert english != russian
