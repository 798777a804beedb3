from datetime import UTC, datetime
from pathlib import Path

import pytest

from codelab.workspace.placement import is_offered, overlaps, unfit
from codelab.workspace.record import WorkspaceRecord

OWN = (Path("/var/lib/codelab"), Path("/srv/mine/codelab.toml"))
HOME = Path("/home/ann")


@pytest.mark.parametrize(
    "path",
    ["/", "/home", "/home/ann", "/var", "/var/lib/codelab", "/var/lib/codelab/x", "/srv/mine"],
)
def test_unfit_folders(path: str) -> None:
    assert unfit(Path(path), OWN, HOME)


@pytest.mark.parametrize("path", ["/home/ann/project", "/srv/x", "/var/lib/codelab-projects"])
def test_fit_folders(path: str) -> None:
    assert unfit(Path(path), OWN, HOME) == ""


def test_only_what_lies_beneath_a_root_is_offered() -> None:
    roots = (Path("/srv/projects"),)
    assert is_offered(Path("/srv/projects/a"), roots, is_admin=False)
    assert not is_offered(Path("/srv/projects"), roots, is_admin=False)
    assert is_offered(Path("/srv/projects"), roots, is_admin=True)
    assert not is_offered(Path("/srv/projects-of-others/a"), roots, is_admin=True)
    assert not is_offered(Path("/srv"), roots, is_admin=True)


def test_somebody_elses_folder_is_not_around_and_not_inside() -> None:
    def record(path: str, owner: str | None) -> WorkspaceRecord:
        return WorkspaceRecord(
            id="1", name="x", path=path, owner_id=owner, created_at=datetime.now(UTC)
        )

    known = [record("/srv/a/b", "ann"), record("/srv/shared", None)]
    for path in ("/srv/a/b", "/srv/a", "/srv/a/b/c"):
        assert overlaps(Path(path), "bob", known)
        assert not overlaps(Path(path), "ann", known)
    assert not overlaps(Path("/srv/a/bc"), "bob", known)
    assert not overlaps(Path("/srv/shared/x"), "bob", known)
