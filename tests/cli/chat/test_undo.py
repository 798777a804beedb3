"""Which checkpoint is meant, and what the human is shown before anything is changed."""

from __future__ import annotations

from typing import Any

import pytest

from codelab.cli.chat import undo

BOTH = {"files": True, "conversation": True}


def checkpoint(id: str, kind: str = "turn", **more: Any) -> dict[str, Any]:
    return {
        "id": f"0000{id}",
        "at": "2026-01-02T03:04:05Z",
        "kind": kind,
        "agent": "coder",
        "tool": "write_file",
        "by": "ann",
        "files": [],
        "changed_files": 0,
        "left_out": [],
        "available": True,
        "undone": False,
        **more,
    }


def preview(**more: Any) -> dict[str, Any]:
    return {
        "checkpoint": checkpoint("aaa"),
        "files": [],
        "conflicts": [],
        "messages": [],
        **more,
    }


@pytest.mark.parametrize(
    ("argument", "checkpoint_id", "parts"),
    [
        ("", "", BOTH),
        ("abc", "abc", BOTH),
        ("files", "", {"files": True, "conversation": False}),
        ("abc conversation", "abc", {"files": False, "conversation": True}),
        ("abc files conversation", "abc", BOTH),
    ],
)
def test_what_is_asked_for(argument: str, checkpoint_id: str, parts: dict[str, bool]) -> None:
    assert undo.chosen(argument) == (checkpoint_id, parts)


def test_without_a_name_it_is_the_last_turn_that_was_not_undone() -> None:
    found = [
        checkpoint("aaa"),
        checkpoint("bbb", "call"),
        checkpoint("ccc", undone=True),
        checkpoint("ddd", "restore"),
    ]
    assert undo.meant(found, "") == found[0]
    assert undo.meant(found, "ddd") == found[3]


@pytest.mark.parametrize(
    ("found", "wanted"),
    [([], ""), ([checkpoint("aaa", undone=True)], ""), ([checkpoint("aaa")], "b")],
)
def test_what_is_not_there_is_said(found: list[dict[str, Any]], wanted: str) -> None:
    with pytest.raises(undo.NoCheckpoint):
        undo.meant(found, wanted)


def test_what_is_not_clear_is_asked() -> None:
    with pytest.raises(undo.NoCheckpoint, match="/checkpoints"):
        undo.meant([checkpoint("1aa"), checkpoint("2aa")], "aa")


def test_each_checkpoint_has_a_line() -> None:
    files = [f"{number}.py" for number in range(5)]
    lines = undo.lines_of(
        [
            checkpoint("aaa", undone=True),
            checkpoint("bbb", "call", files=files, changed_files=7, available=False),
            checkpoint("ccc", "restore"),
        ]
    )
    assert lines == [
        "0000aaa  2026-01-02T03:04  before a turn (undone)",
        "0000bbb  2026-01-02T03:04  after coder's write_file: 0.py, 1.py, 2.py and 4 more "
        "(files not kept any more)",
        "0000ccc  2026-01-02T03:04  before ann went back",
    ]
    assert "nothing to undo" in undo.lines_of([])[0]


def test_the_preview_tells_everything() -> None:
    told = preview(
        files=[{"path": "a.py", "action": "write", "diff": "-new\n+old", "truncated": False}],
        conflicts=[{"path": "b.py", "reason": "changed_since", "message": "It was changed."}],
        messages=[{"message_id": "m", "role": "user", "text": "Do\nit"}],
        checkpoint=checkpoint("aaa", left_out=["big.bin"]),
    )
    assert list(undo.shown(told, BOTH)) == [
        "a.py changes back",
        "-new",
        "+old",
        "b.py stays as it is. It was changed.",
        "Not kept, so not undone: big.bin",
        "Models are not shown 1 messages any more:",
        "  user: Do it",
    ]
    assert list(undo.shown(told, {"files": False, "conversation": True}))[1:] == ["  user: Do it"]
    pruned = preview(checkpoint=checkpoint("aaa", available=False))
    assert list(undo.shown(pruned, BOTH)) == [
        "Its files are not kept any more; the conversation alone can go back."
    ]


def test_what_is_not_kept_cannot_go_back() -> None:
    pruned = preview(checkpoint=checkpoint("aaa", available=False))
    assert undo.possible(preview(), BOTH) == BOTH
    assert undo.possible(pruned, BOTH) == {"files": False, "conversation": True}
    with pytest.raises(undo.NoCheckpoint, match="conversation"):
        undo.possible(pruned, {"files": True, "conversation": False})
