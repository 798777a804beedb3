"""Commands in messages are written so that whoever reads them can paste them."""

from __future__ import annotations

import pytest

from codelab.kit.invocation import DEFAULT_SERVER, VARIABLE, as_called, spelled

CALL = "python3 '/my code/dev.py' codelab"


def test_an_installed_codelab_is_called_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert spelled("chat") == spelled("chat", f"{DEFAULT_SERVER}/") == "codelab chat"
    assert as_called("Run `codelab migrate`.") == "Run `codelab migrate`."


def test_the_front_desk_is_named_where_it_was_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, CALL)
    assert spelled("user add NAME") == f"{CALL} user add NAME"
    text = "codelab: run `codelab migrate`, or `codelab secret --help`; not `git`."
    wanted = f"codelab: run `{CALL} migrate`, or `{CALL} secret --help`; not `git`."
    assert as_called(text) == wanted


def test_another_server_is_named_and_cannot_smuggle_in_a_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert spelled("chat", "http://h:9") == "codelab chat --server http://h:9"
    assert spelled("chat", "http://h;rm") == "codelab chat --server 'http://h;rm'"
