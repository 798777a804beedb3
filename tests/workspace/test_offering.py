from datetime import UTC, datetime
from pathlib import Path

import pytest

from codelab.auth.api import Principal
from codelab.workspace.errors import WorkspaceRefused
from codelab.workspace.offering import OfferedFolders, Offering
from codelab.workspace.record import WorkspaceRecord

ANN = Principal(user_id="a" * 32, name="ann", role="admin")
BOB = Principal(user_id="b" * 32, name="bob")


def record(path: Path, owner: Principal | None) -> WorkspaceRecord:
    owner_id = owner.user_id if owner else None
    return WorkspaceRecord(
        id="1", name="x", path=str(path), owner_id=owner_id, created_at=datetime.now(UTC)
    )


def told(offered: OfferedFolders) -> dict[str, bool]:
    return {one.name: one.can_open for one in offered.folders}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("B", "a", "team/hers/src", "team/ours", "mine", ".hidden", "data/codelab"):
        (tmp_path / "root" / name).mkdir(parents=True)
    root = tmp_path / "root"
    (root / "a/.git").mkdir()
    (root / "file").touch()
    (root / "link").symlink_to(tmp_path)
    (root / "es\x1bcape").mkdir()
    return root


def test_people_look_among_the_folders_of_a_root(root: Path) -> None:
    offering = Offering((root,), [root / "data/codelab"], root / "home")
    known = [record(root / "team/hers", ANN), record(root / "mine", BOB)]
    top = offering.look(BOB, "", known)
    assert list(told(top)) == ["a", "B", "data", "mine", "team"]
    # What holds the server's data, somebody else's project, or is open already only leads on.
    assert [name for name, can_open in told(top).items() if can_open] == ["a", "B"]
    assert [one.name for one in top.folders if one.is_repository] == ["a"]
    assert (top.path, top.parent) == (str(root), None)

    within = offering.look(BOB, str(root / "team"), known)
    assert (told(within), within.parent) == ({"ours": True}, str(root))
    assert told(offering.look(ANN, str(root / "team"), known)) == {"hers": False, "ours": True}


def test_nothing_is_told_of_what_is_elsewhere(root: Path) -> None:
    offering = Offering((root,), [root / "data/codelab"], root / "home")
    known = [record(root / "team/hers", ANN)]
    assert told(offering.look(ANN, "data", known)) == {}
    for path in (
        "data/codelab",
        "..",
        "/etc",
        "team/hers",
        "team/hers/src",
        "link",
        "nothing",
        "file/x",
        "a\0",
    ):
        with pytest.raises(WorkspaceRefused, match=r"no such folder"):
            offering.look(BOB, path, known)
    with pytest.raises(WorkspaceRefused, match="cannot be read"):
        offering.look(BOB, "file", known)
    with pytest.raises(WorkspaceRefused):
        Offering((), (), root).look(ANN, "", ())


def test_several_roots_are_a_level_of_their_own(root: Path) -> None:
    offering = Offering((root / "team", root / "a"), (), root / "home")
    top = offering.look(BOB, "", ())
    assert (told(top), top.path, top.parent) == ({"team": False, "a": False}, "", None)
    assert offering.look(BOB, str(root / "team"), ()).parent == ""
    assert told(offering.look(ANN, "", ())) == {"team": True, "a": True}


def test_a_large_folder_is_cut(tmp_path: Path) -> None:
    for number in range(501):
        (tmp_path / f"{number:03}").mkdir()
    offered = Offering((tmp_path,), (), tmp_path / "home").look(ANN, "", ())
    assert offered.truncated and list(told(offered))[-1] == "499"
