"""An index follows its workspace, whatever happens to the files."""

import os
import shutil
import time
from collections.abc import Iterator

import pytest

from codelab.retrieval.errors import IndexLocked
from codelab.retrieval.indexing.frames import Compare, Remember
from codelab.retrieval.indexing.updating import Steps, Updating
from codelab.workspace.errors import WorkspaceGone
from tests.retrieval.indexing.conftest import Project
from tests.workspace.places import SOMEONE, git, run


def ended(steps: Steps) -> int:
    """Run something to its end; returns how many files it looked at."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return int(end.value)


class Indexed:
    """An index in the test's own hands."""

    def __init__(self, project: Project) -> None:
        self.taken_apart: list[str] = []
        self.updating = Updating(project.place, "fts5", (), self._working)

    def _working(self, digest: str) -> None:
        if digest:
            self.taken_apart.append(digest)

    def reconcile(self) -> int:
        """Compare everything; returns how many contents were taken apart."""
        self.taken_apart.clear()
        ended(self.updating.reconcile(lambda done, of: None))
        return len(self.taken_apart)

    def look(self, *paths: str) -> int:
        return ended(self.updating.look(paths))


@pytest.fixture
def indexed(project: Project) -> Iterator[Indexed]:
    project.write("src/parser.py", "def parse_header(line):\n    return line\n")
    project.write("src/socket.py", "def close_socket():\n    pass\n")
    made = Indexed(project)
    yield made
    made.updating.close()


def age(project: Project) -> None:
    """Let all files have been changed long ago."""
    long_ago = time.time() - 1000
    for file in project.root.rglob("*"):
        if file.is_file():
            os.utime(file, (long_ago, long_ago))


def test_new_changed_and_deleted_files(project: Project, indexed: Indexed) -> None:
    assert indexed.reconcile() == 2
    assert project.find("parse") == ["src/parser.py"]
    project.write("src/parser.py", "def tokenise(text):\n    pass\n")
    (project.root / "src/socket.py").unlink()
    project.write("docs/new.md", "How requests are throttled\n")
    assert indexed.reconcile() == 2
    assert project.find("header") == []
    assert project.find("tokenise") == ["src/parser.py"]
    assert project.find("throttling") == ["docs/new.md"]
    assert project.find("close") == []
    assert project.paths() == ["docs/new.md", "src/parser.py"]


def test_what_was_known_before_is_not_taken_apart_again(project: Project, indexed: Indexed) -> None:
    git(project.root, "init", "-q", "-b", "main")
    git(project.root, "add", "--all")
    git(project.root, "commit", "-qm", "first")
    assert indexed.reconcile() == 2
    git(project.root, "switch", "-qc", "other")
    project.write("src/parser.py", "def other_branch():\n    pass\n")
    git(project.root, "commit", "-qam", "second")
    assert indexed.reconcile() == 1
    for branch, found in (("main", []), ("other", ["src/parser.py"]), ("main", [])):
        git(project.root, "switch", "-q", branch)
        assert indexed.reconcile() == 0
        assert project.find("branch") == found


def test_a_change_that_keeps_size_and_time_is_seen(project: Project, indexed: Indexed) -> None:
    file = project.root / "src/parser.py"
    age(project)
    indexed.reconcile()
    before = file.stat()
    file.write_text("def parse_trailer(line):\n    return 123\n")
    assert file.stat().st_size == before.st_size
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert indexed.reconcile() == 1
    assert project.find("trailer") == ["src/parser.py"]


def test_the_digest_decides_where_times_lie(project: Project, indexed: Indexed) -> None:
    indexed.reconcile()
    for file in project.root.rglob("*.py"):
        os.utime(file)
    assert indexed.reconcile() == 0
    assert project.find("socket") == ["src/socket.py"]


def test_a_folder_is_moved_and_looked_at(project: Project, indexed: Indexed) -> None:
    indexed.reconcile()
    (project.root / "src").rename(project.root / "lib")
    indexed.look("src", "lib")
    assert project.paths() == ["lib/parser.py", "lib/socket.py"]
    shutil.rmtree(project.root / "lib")
    indexed.look("lib")
    assert project.paths() == []


def test_rules_that_change_take_files_out_and_in(project: Project, indexed: Indexed) -> None:
    indexed.reconcile()
    project.write(".codelabignore", "socket.py\n")
    project.write(".gitignore", "parser.py\n")
    indexed.reconcile()
    assert project.paths() == []
    (project.root / ".codelabignore").unlink()
    indexed.reconcile()
    assert project.paths() == ["src/socket.py"]


def test_files_that_are_left_out_keep_their_paths(project: Project, indexed: Indexed) -> None:
    project.write("yarn.lock", "x\n")
    (project.root / "picture.bin").write_bytes(b"\0\1")
    (project.root / "closed.py").write_text("x")
    project.write("bundle.js", "x=1;" * 9000)
    indexed.reconcile()
    assert project.skipped() == {
        "bundle.js": "minified",
        "picture.bin": "binary",
        "yarn.lock": "lock file",
    }


def test_a_later_look_wins_over_a_comparison_under_way(project: Project, indexed: Indexed) -> None:
    comparison = indexed.updating.reconcile(lambda done, of: None)
    next(comparison)
    next(comparison)
    project.write("src/parser.py", "def written_meanwhile():\n    pass\n")
    indexed.look("src/parser.py")
    assert project.find("meanwhile") == ["src/parser.py"]
    ended(comparison)
    assert project.find("meanwhile") == ["src/parser.py"]
    assert project.find("line") == []


def test_one_writer_at_a_time(project: Project, indexed: Indexed) -> None:
    indexed.reconcile()
    with pytest.raises(IndexLocked):
        Indexed(project)


def test_a_workspace_that_is_gone_empties_no_index(project: Project, indexed: Indexed) -> None:
    indexed.reconcile()
    project.root.rename(project.root.with_name("elsewhere"))
    with pytest.raises(WorkspaceGone):
        indexed.reconcile()
    assert len(project.paths()) == 2


def test_contents_that_fail_are_left_out_for_good(project: Project, indexed: Indexed) -> None:
    indexed.reconcile()
    digest = indexed.taken_apart[0]
    indexed.updating.renew()
    indexed.updating.avoid(digest, wholly=False)
    indexed.reconcile()
    hows = {project.how("src/parser.py"), project.how("src/socket.py")}
    assert hows == {"tree", "windows"}
    indexed.updating.renew()
    indexed.updating.avoid(digest, wholly=True)
    assert indexed.reconcile() == 1
    assert [*project.skipped().values()] == ["indexing fails"]


def past(project: Project, words: tuple[str, ...] = ()) -> bytes:
    command = ("git", *SOMEONE, "log", "--no-merges", *words, "HEAD")
    return run(*command, cwd=project.root).stdout.encode()


def test_subjects_of_past_commits(project: Project, indexed: Indexed) -> None:
    def remember() -> int:
        names = past(project, ("--format=%H",))
        count = indexed.updating.compare(Compare(place=project.place, names=names))
        words = ("--no-renames", "-z", "--name-only", f"-{count}", "--format=%x00%H%x00%s")
        log = past(project, words)
        command = Remember(place=project.place, names=names, log=log, truncated=False)
        indexed.updating.remember(command)
        return count

    indexed.reconcile()
    git(project.root, "init", "-q", "-b", "main")
    git(project.root, "add", "src/parser.py")
    git(project.root, "commit", "-qm", "Survive truncated frames (#77)")
    git(project.root, "add", "--all")
    git(project.root, "commit", "-qm", "Reconnect lazily")
    assert remember() == 2
    assert remember() == 0
    assert project.said("truncated") == ["src/parser.py"]
    assert project.said("reconnecting") == ["src/socket.py"]
    assert project.said("77") == []
    project.write("src/parser.py", "def parse():\n    pass\n")
    git(project.root, "commit", "-qam", "Reconnect eagerly")
    assert remember() == 1
    assert project.said("reconnecting") == ["src/parser.py", "src/socket.py"]
    git(project.root, "reset", "-q", "--hard", "HEAD~2")
    assert remember() == 1
    assert project.said("reconnecting") == []
    assert project.said("truncated") == ["src/parser.py"]
