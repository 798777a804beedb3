"""As whom commands run where the server is root."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from codelab.workspace.sandbox.box import Access
from codelab.workspace.sandbox.process_user import ProcessUser, may_reach, user_for
from codelab.workspace.sandbox.sandbox import Sandbox
from codelab.workspace.settings import WorkspaceSettings

OTHER = ProcessUser(12_345, 12_345)
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may choose a user")


@pytest.fixture
def open_root() -> Iterator[Path]:
    """A workspace of another user, in a folder that everybody may enter."""
    with tempfile.TemporaryDirectory(prefix="codelab-test-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        root = folder / "project"
        root.mkdir(mode=0o700)
        os.chown(root, OTHER.uid, OTHER.gid)
        yield root


def test_every_folder_on_the_way_must_be_open(tmp_path: Path) -> None:
    place = tmp_path / "open" / "closed" / "inner"
    place.mkdir(parents=True)
    own = ProcessUser(os.geteuid(), os.getegid())
    assert may_reach(place, own)
    (tmp_path / "open" / "closed").chmod(0o600)
    assert not may_reach(place, own)
    assert not may_reach(tmp_path / "missing", own)


def test_others_rights_do_not_help_the_owner(tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_text("x", "utf-8")
    place.chmod(0o044)
    assert not may_reach(place, ProcessUser(os.geteuid(), os.getegid()))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may choose")
def test_who_is_not_root_chooses_nobody(tmp_path: Path) -> None:
    assert user_for(tmp_path, ()) is None


@needs_root
def test_the_owner_is_chosen_where_everything_is_open_to_them(open_root: Path) -> None:
    assert user_for(open_root, ()) == OTHER
    assert user_for(open_root.parent, ()) is None
    private = open_root.parent / "private"
    private.mkdir(mode=0o700)
    assert user_for(open_root, (private,)) is None


@needs_root
@pytest.mark.usefixtures("boxed")
async def test_a_command_runs_as_the_owner_of_its_workspace(
    open_root: Path, data_dir: Path
) -> None:
    sandbox = Sandbox(WorkspaceSettings(data_dir=data_dir))
    if (await sandbox.standing()).reason:
        pytest.skip("only root may build a box here")
    done = await sandbox.run(
        open_root, ["sh", "-c", "id -u; id -G; touch made"], access=Access.WORK, timeout_s=10
    )
    assert done.output.split() == [str(OTHER.uid), str(OTHER.gid)]
    assert (open_root / "made").stat().st_uid == OTHER.uid
