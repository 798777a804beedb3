"""Keys and edited parameters."""

from __future__ import annotations

import pytest

from codelab.cli.chat.approvals import Action, action_for, editable, edited
from codelab.cli.chat.transcript import Call


@pytest.mark.parametrize(
    ("keys", "action"),
    [
        ("yYнН", Action.APPROVE),
        ("aAф", Action.ALWAYS),
        ("nNт", Action.REJECT),
        ("fа", Action.FEEDBACK),
        ("eу", Action.EDIT),
        ("vм", Action.VIEW),
    ],
)
def test_keys_mean_the_same_on_either_keyboard(keys: str, action: Action) -> None:
    assert [action_for(key) for key in keys] == [action] * len(keys)


@pytest.mark.parametrize("key", ["\r", " ", "\x1b", "x", ""])
def test_no_other_key_answers(key: str) -> None:
    assert action_for(key) is None


def test_parameters_survive_the_editor() -> None:
    call = Call("c", "execute_command", parameters={"command": "echo «привет»\n"})
    assert "«привет»" in editable(call)
    assert edited(editable(call)) == call.parameters


@pytest.mark.parametrize("text", [None, "", "{", "[1]", '"x"'])
def test_what_is_no_object_is_not_sent(text: str | None) -> None:
    with pytest.raises(ValueError, match=r"saved|JSON"):
        edited(text)
