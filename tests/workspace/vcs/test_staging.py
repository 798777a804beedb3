"""Staging, by file and by part; discarding and its way back; commits."""

import shutil
from pathlib import Path

import pytest

from codelab.workspace.errors import (
    FileChanged,
    GitBusy,
    GitRefused,
    NoRepository,
    PathRefused,
)
from codelab.workspace.folder import Folder
from codelab.workspace.text import digest_of
from codelab.workspace.vcs.comparing import compared
from codelab.workspace.vcs.discarding import discard, undiscard
from codelab.workspace.vcs.founding import found
from codelab.workspace.vcs.staging import commit, stage, stage_text, unstage
from codelab.workspace.vcs.state import status_of
from tests.workspace.places import SOMEONE, git, run
from tests.workspace.test_git_planted import PLANTED, RAN

pytestmark = pytest.mark.usefixtures("boxed")


def asked(root: Path, *words: str) -> str:
    return run("git", *words, cwd=root).stdout.strip()


async def test_a_file_on_both_sides(human: Folder, repository: Path) -> None:
    (repository / "a.txt").write_text("staged\n", "utf-8")
    git(repository, "add", "a.txt")
    (repository / "a.txt").write_text("now\n", "utf-8")
    staged = await compared(human, "a.txt", staged=True)
    open_ = await compared(human, "a.txt", staged=False)
    assert staged.before and staged.after and open_.before and open_.after
    assert staged.before.text == "one\ntwo\nthree\n"
    assert staged.after == open_.before
    assert (open_.before.text, open_.after.text) == ("staged\n", "now\n")
    assert open_.after.hash == digest_of(b"now\n")
    (repository / "n.bin").write_bytes(b"\0" * 10)
    (repository / "large").write_bytes(b"x" * 3_000_000)
    (repository / "folder").mkdir()
    sides = {name: await compared(human, name, staged=False) for name in ("n.bin", "large", "no")}
    assert {name: side.after and side.after.hidden for name, side in sides.items()} == {
        "n.bin": "binary",
        "large": "too_large",
        "no": None,
    }
    assert {side.before for side in sides.values()} == {None}
    for path in ("../outside.txt", "/etc/passwd", ".git/config", "a/../../b", "a\0b"):
        with pytest.raises(PathRefused):
            await compared(human, path, staged=False)


async def test_a_part_of_a_file(human: Folder, repository: Path) -> None:
    (repository / "a.txt").write_text("1\ntwo\n3\n", "utf-8")
    before = digest_of(b"one\ntwo\nthree\n")
    await stage_text(human, "a.txt", "1\ntwo\nthree\n", before)
    assert asked(repository, "diff", "--cached", "--numstat") == "1\t1\ta.txt"
    assert (repository / "a.txt").read_text("utf-8") == "1\ntwo\n3\n"
    with pytest.raises(FileChanged):
        await stage_text(human, "a.txt", "x", before)
    await stage_text(human, "-new", "x\n", "")
    assert asked(repository, "show", ":-new") == "x"
    (repository / "link").symlink_to("a.txt")
    git(repository, "add", "link")
    with pytest.raises(GitRefused, match="regular"):
        await stage_text(human, "link", "b.txt", digest_of(b"a.txt"))


async def test_before_the_first_commit(human: Folder, root: Path) -> None:
    with pytest.raises(NoRepository):
        await stage(human, ["."])
    found(root)
    assert run("git", "fsck", cwd=root).returncode == 0
    with pytest.raises(GitRefused):
        found(root)
    (root / "a.txt").write_text("x\n", "utf-8")
    assert await stage(human, ["a.txt"]) == 1
    assert await unstage(human, ["a.txt"]) == 1
    assert [one.unstaged for one in (await status_of(human)).entries] == ["?"]
    await stage(human, ["."])
    made = await commit(human, "  First\n\n# not a comment\n", "Ann <b>\n")
    assert asked(root, "log", "--format=%H %an %ae %cn %B") == (
        f"{made} Ann b Ann.b@localhost CodeLab First\n\n# not a comment"
    )


async def test_a_commit_holds_what_is_staged(human: Folder, repository: Path) -> None:
    (repository / "a.txt").write_text("x\n", "utf-8")
    with pytest.raises(GitRefused, match="Nothing is staged"):
        await commit(human, "m", "ann")
    await stage(human, ["a.txt"])
    (repository / "b.txt").write_text("x\n", "utf-8")
    await commit(human, "--amend", "ann")
    assert asked(repository, "log", "-1", "--name-only", "--format=%s") == "--amend\n\na.txt"
    assert [one.path for one in (await status_of(human)).entries] == ["b.txt"]


async def test_a_merge_is_concluded_once_nothing_is_in_conflict(
    human: Folder, repository: Path
) -> None:
    git(repository, "switch", "-qc", "other")
    (repository / "a.txt").write_text("theirs\n", "utf-8")
    git(repository, "commit", "-qam", "theirs")
    git(repository, "switch", "-q", "main")
    (repository / "a.txt").write_text("ours\n", "utf-8")
    git(repository, "commit", "-qam", "ours")
    run("git", *SOMEONE, "merge", "other", cwd=repository)
    with pytest.raises(GitRefused, match="conflict"):
        await commit(human, "m", "ann")
    with pytest.raises(GitRefused, match="conflict"):
        await discard(human, ["."])
    (repository / "a.txt").write_text("ours\n", "utf-8")
    await stage(human, ["a.txt"])
    await commit(human, "Merged", "ann")
    assert len(asked(repository, "log", "-1", "--format=%P").split()) == 2


async def test_what_is_discarded_comes_back(human: Folder, repository: Path) -> None:
    tool = repository / "tool.sh"
    tool.write_text("#!/bin/sh\n", "utf-8")
    tool.chmod(0o755)
    (repository / "a.txt").write_text("changed\n", "utf-8")
    (repository / "b.txt").unlink()
    kept = await discard(human, ["."])
    assert not tool.exists()
    assert (await status_of(human)).entries == ()
    (repository / "a.txt").write_text("changed again\n", "utf-8")
    assert await undiscard(human, kept) == ("a.txt",)
    assert (repository / "a.txt").read_text("utf-8") == "changed again\n"
    assert tool.read_text("utf-8") == "#!/bin/sh\n" and tool.stat().st_mode & 0o100
    assert not (repository / "b.txt").exists()
    (repository / "huge").write_bytes(b"x" * 3_000_000)
    (repository / "link").symlink_to("a.txt")
    with pytest.raises(GitRefused, match="link, huge"):
        await discard(human, ["link", "huge", "a.txt"])
    assert (repository / "a.txt").read_text("utf-8") == "changed again\n"


async def test_another_git_at_work_is_named(human: Folder, repository: Path) -> None:
    (repository / "a.txt").write_text("x\n", "utf-8")
    (repository / ".git" / "index.lock").touch()
    for attempt in (stage(human, ["."]), stage_text(human, "new.txt", "x", "")):
        with pytest.raises(GitBusy, match="Another git process"):
            await attempt
    assert (await status_of(human)).changed == 1


@pytest.mark.parametrize("name", ["filter", "hooks elsewhere", "fsmonitor", "include"])
async def test_nothing_that_a_repository_names_runs(
    human: Folder, repository: Path, tmp_path: Path, name: str
) -> None:
    evil = repository / "evil.sh"
    trace = f"echo {RAN} >&2; echo {RAN} > {repository}/ran; echo {RAN} > {tmp_path}/ran"
    evil.write_text(f"#!/bin/sh\n{trace}; cat\n", "utf-8")
    evil.chmod(0o755)
    PLANTED[name][0](repository, evil)
    (repository / "a.txt").write_text("x\n", "utf-8")
    status = await status_of(human)
    assert "a.txt" in [entry.path for entry in status.entries]
    await compared(human, "a.txt", staged=False)
    for step in (stage(human, ["a.txt"]), commit(human, "m", "ann"), discard(human, ["b.txt"])):
        try:
            await step
        except GitRefused as refused:
            assert RAN not in refused.message
    assert not (repository / "ran").exists() and not (tmp_path / "ran").exists()


async def test_a_filter_is_named_and_its_files_stay_unstaged(
    human: Folder, repository: Path
) -> None:
    (repository / ".gitattributes").write_text("*.psd filter=lfs\n", "utf-8")
    (repository / "x.psd").write_text("x\n", "utf-8")
    with pytest.raises(GitRefused, match=r"x\.psd"):
        await stage(human, ["."])
    assert asked(repository, "diff", "--cached", "--name-only") == ""


async def test_a_repository_within_is_left_out(human: Folder, repository: Path) -> None:
    shutil.copytree(repository, repository / "inner")
    (repository / "new.txt").write_text("x\n", "utf-8")
    assert await stage(human, ["."]) == 1
    assert asked(repository, "diff", "--cached", "--name-only") == "new.txt"
