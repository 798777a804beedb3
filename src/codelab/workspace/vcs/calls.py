"""How git is asked: bounded, without its complaints, and with errors that say what to do."""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from codelab.sdk.git import literal
from codelab.sdk.workspace import CommandResult
from codelab.workspace.errors import GitBusy, GitRefused, NoRepository, PathRefused
from codelab.workspace.folder import Folder

MOST_BYTES = 8_000_000
LONGEST_PATH = 4000

_LOCKED = re.compile(r"\.lock': File exists")
_SAID = 2000


async def printed(
    folder: Folder, *words: str, most: int = MOST_BYTES, shown: tuple[Path, ...] = ()
) -> bytes:
    """Return what git prints, at most so many bytes.

    Raises:
        NoRepository: There is none.
        GitRefused: git did not do it; the message is its own.
    """
    answer = await folder.git_bytes(*words, most=most, shown=shown)
    if answer.exit_code != 0:
        # Its complaints were left out, so that they cannot pass for an answer.
        raise refusal(await folder.git(*words))
    return answer.data


async def looked_up(folder: Folder, *words: str) -> str:
    """Return a single line that git prints; empty when it finds nothing."""
    answer = await folder.git_bytes(*words, most=LONGEST_PATH)
    return answer.data.decode("utf-8", "replace").strip() if answer.exit_code == 0 else ""


async def done(folder: Folder, *words: str) -> str:
    """Let git do something and return what it says.

    Raises:
        GitBusy: Another git is at work.
        GitRefused: It did not do it.
    """
    result = await folder.git(*words)
    if result.exit_code != 0:
        raise refusal(result)
    return result.output


async def done_to(folder: Folder, words: Iterable[str], paths: Iterable[str]) -> None:
    """Let git do something to files, however many and whatever they are called.

    Raises:
        GitBusy: Another git is at work.
        GitRefused: It did not do it.
    """
    listed = "\0".join(map(literal, paths)).encode("utf-8", "replace")
    with given(listed) as file:
        command = (*words, f"--pathspec-from-file={file}", "--pathspec-file-nul")
        answer = await folder.git_bytes(*command, most=_SAID, shown=(file,))
        if answer.exit_code != 0:
            raise refusal(await folder.git(*words, "--", *map(literal, list(paths)[:1])))


async def tip_of(folder: Folder) -> str:
    """Return the current commit; empty before the first."""
    return await looked_up(folder, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")


@contextmanager
def given(data: bytes) -> Iterator[Path]:
    """Hand bytes to a program in a box as a file."""
    with tempfile.NamedTemporaryFile("wb", prefix="codelab-git-") as file:
        file.write(data)
        file.flush()
        # The box may have a user of its own.
        os.fchmod(file.fileno(), 0o644)
        yield Path(file.name)


async def under_way(root: Path) -> str:
    """Name what is under way in a repository, such as a merge; empty when nothing is."""
    return await asyncio.to_thread(_under_way, root / ".git")


def refusal(result: CommandResult) -> Exception:
    """Say why git did not do something."""
    said = result.output.strip()[:_SAID]
    if "not a git repository" in said:
        return NoRepository("This folder is no git repository yet.")
    if _LOCKED.search(said):
        return GitBusy(
            "Another git process works in this repository. Try again in a moment; if none does, "
            "one was interrupted: then delete the .lock file that it left in .git."
        )
    return GitRefused(said or "git did not do this.")


def checked(path: str) -> str:
    """Return a path that may be named to git, odd characters and all.

    Raises:
        PathRefused: It leads outside, or into git's own folder.
    """
    names = path.split("/")
    if (
        not path
        or len(path.encode("utf-8", "replace")) > LONGEST_PATH
        or "\0" in path
        or path.startswith("/")
        or any(name in ("..", ".git") for name in names)
    ):
        raise PathRefused("Paths are relative to the workspace and stay inside it.", field="path")
    return path


def _under_way(place: Path) -> str:
    if place.is_symlink() or not place.is_dir():
        return ""
    signs = {
        "MERGE_HEAD": "merge",
        "rebase-merge": "rebase",
        "rebase-apply": "rebase",
        "CHERRY_PICK_HEAD": "cherry-pick",
        "REVERT_HEAD": "revert",
        "BISECT_LOG": "bisect",
    }
    return next((what for name, what in signs.items() if (place / name).exists()), "")
