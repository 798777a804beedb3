"""Which layers are tried, in which order, and how the answer is put."""

from pathlib import Path
from typing import Literal

import pytest

from codelab.workspace.layers import WORDS
from codelab.workspace.settings import WorkspaceSettings
from codelab.workspace.standing import Standing, candidates


def tried(chosen: Literal["auto", "bwrap", "landlock", "none"]) -> list[str]:
    found = candidates(WorkspaceSettings(data_dir=Path("data"), sandbox=chosen))
    return [one if isinstance(one, str) else one.name for one in found]


def test_what_was_chosen_is_never_replaced_by_something_else() -> None:
    assert "landlock" not in tried("bwrap")
    assert "bubblewrap" not in tried("landlock")
    assert not {"bubblewrap", "landlock"} & set(tried("none"))


def test_the_stronger_layer_comes_first() -> None:
    names = [name for name in tried("auto") if name in ("bubblewrap", "landlock")]
    assert names == sorted(names)


@pytest.mark.parametrize(
    ("standing", "sentence"),
    [
        (Standing("none", "it is off"), "Commands are off because it is off."),
        (Standing("bubblewrap"), "bubblewrap"),
        (Standing("bubblewrap", "no setpriv"), "bubblewrap, as root: no setpriv"),
        (
            Standing("landlock", "bubblewrap is missing"),
            "Commands run under Landlock, a weaker layer than bubblewrap, because bubblewrap is "
            "missing.",
        ),
    ],
)
def test_the_answer_is_a_sentence(standing: Standing, sentence: str) -> None:
    assert standing.sentence() == sentence


def test_a_weaker_layer_is_called_weaker_wherever_it_is_named() -> None:
    assert "weaker" in WORDS["landlock"]
    assert "weaker" not in WORDS["bubblewrap"]
