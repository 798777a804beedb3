"""What the next commit will hold: files, and parts of files, staged and unstaged; commits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from codelab.sdk.git import author_named, filtered
from codelab.workspace.errors import FileChanged, GitRefused
from codelab.workspace.folder import Folder
from codelab.workspace.text import decode, digest_of, encode, encoding_of
from codelab.workspace.vcs.calls import (
    checked,
    done,
    done_to,
    given,
    printed,
    tip_of,
)
from codelab.workspace.vcs.comparing import stored_bytes
from codelab.workspace.vcs.state import ChangedPath, entries_below, whole_status

_AT_ONCE = 500
_NAMED = 10
_REGULAR = ("100644", "100755")


async def stage(folder: Folder, paths: Sequence[str]) -> int:
    """Stage what has changed in files and folders; return in how many files.

    Raises:
        GitRefused: A file goes through a filter, which CodeLab does not run.
    """
    entries = [entry for entry in await _chosen(folder, paths) if entry.unstaged]
    # A repository within this one: git would only keep a number of it.
    names = [entry.path for entry in entries if not entry.path.endswith("/")]
    if names:
        await refuse_filtered(folder, names)
        await done_to(folder, ("add", "--all"), names)
    return len(names)


async def unstage(folder: Folder, paths: Sequence[str]) -> int:
    """Take files and folders out of the next commit; what is in them stays."""
    names = [entry.path for entry in await _chosen(folder, paths) if entry.staged]
    if names and await tip_of(folder):
        await done_to(folder, ("restore", "--staged"), names)
    elif names:
        await done_to(folder, ("rm", "--cached", "--quiet", "-r"), names)
    return len(names)


async def stage_text(folder: Folder, path: str, text: str, before: str) -> None:
    """Stage a text for a file, whatever the file itself holds: its hunks, chosen by the client.

    Args:
        folder: Where.
        path: The file.
        text: What the next commit has in it.
        before: The SHA-256 of what is staged of it; empty when it is not.

    Raises:
        FileChanged: Something else is staged of it.
        GitRefused: It is no regular file, or goes through a filter.
    """
    name = checked(path)
    now = await stored_bytes(folder, f":0:{name}")
    if (digest_of(now) if now is not None else "") != before:
        raise FileChanged("What is staged of this file has changed. Look again.", field="before")
    await refuse_filtered(folder, [name])
    if now is not None:
        decode(now, path)
    mode = await _mode_of(folder, name)
    data = encode(text, encoding_of(now or b""))
    with given(data) as file:
        words = ("hash-object", "-w", "--no-filters", "--", str(file))
        blob = (await printed(folder, *words, shown=(file,))).decode("ascii").strip()
    await done(folder, "update-index", "--add", "--cacheinfo", f"{mode},{blob},{name}")


async def commit(folder: Folder, message: str, user_name: str) -> str:
    """Commit what is staged in a user's name; return the commit.

    Raises:
        GitRefused: Nothing is staged, or conflicts are open.
    """
    now = await whole_status(folder)
    if any(entry.conflict for entry in now.entries):
        raise GitRefused("Files are in conflict: resolve and stage them first.")
    if not now.under_way and not any(entry.staged for entry in now.entries):
        raise GitRefused("Nothing is staged: choose what the commit is to hold.")
    if now.under_way not in ("", "merge"):
        raise GitRefused(f"A {now.under_way} is under way: finish it in a terminal.")
    await done(
        folder,
        *("commit", "--quiet", "--no-verify", "--cleanup=whitespace"),
        *(f"--author={author_named(user_name)}", f"--message={message.strip()}"),
    )
    return await tip_of(folder)


async def refuse_filtered(folder: Folder, names: Sequence[str]) -> None:
    """Refuse what git would have to change on the way in: the filters are switched off.

    Raises:
        GitRefused: It names the files.
    """
    for start in range(0, len(names), _AT_ONCE):
        some = names[start : start + _AT_ONCE]
        told = await printed(folder, "check-attr", "-z", "filter", "--", *some)
        if refused := filtered(told.decode("utf-8", "replace").split("\0")):
            raise GitRefused(
                "These files go through a filter of the repository's (such as Git LFS), which "
                f"CodeLab does not run; stage them in a terminal: {listed(refused)}"
            )


def listed(names: Iterable[str]) -> str:
    """Name a few files in a sentence, each whole and on one line."""
    shown = [name if name.isprintable() else ascii(name) for name in names]
    more = f" and {len(shown) - _NAMED} more" if len(shown) > _NAMED else ""
    return f"{', '.join(shown[:_NAMED])}{more}"


async def _chosen(folder: Folder, paths: Sequence[str]) -> list[ChangedPath]:
    return await entries_below(folder, [checked(path) for path in paths])


async def _mode_of(folder: Folder, name: str) -> str:
    staged = await printed(folder, "ls-files", "--stage", "-z", "--", f":(top,literal){name}")
    mode = staged.decode("utf-8", "replace").split(" ", 1)[0] or _REGULAR[0]
    if mode not in _REGULAR:
        raise GitRefused("Only regular files are staged in parts.")
    return mode
