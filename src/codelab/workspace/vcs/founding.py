"""A new repository in a folder that has none; blocking.

The box lets nothing be made in the place of `.git`, so the few files are written here, whole or
not at all, and no template of the machine's has a say in it.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

from codelab.kit.ids import new_id
from codelab.workspace.errors import FileNotWritten, GitRefused

_FOLDERS = ("objects/info", "objects/pack", "refs/heads", "refs/tags", "info", "hooks")
_FILES = {
    "HEAD": "ref: refs/heads/main\n",
    "config": (
        "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n"
        "\tlogallrefupdates = true\n"
    ),
    "description": "Unnamed repository.\n",
}


def found(root: Path) -> None:
    """Make an empty repository with the branch main.

    Raises:
        GitRefused: There is something in its place already.
        FileNotWritten: The folder cannot be written.
    """
    place, made = root / ".git", root / f".codelab-{new_id()}.tmp"
    if os.path.lexists(place):
        raise GitRefused("There is a .git here already, though it is no repository CodeLab reads.")
    try:
        for name in _FOLDERS:
            (made / name).mkdir(parents=True)
        for name, text in _FILES.items():
            (made / name).write_text(text, "utf-8")
        _give_to_owner(root, made)
        # A folder takes the place of an empty one only, so nothing can be lost.
        made.rename(place)
    except OSError as error:
        raise FileNotWritten(f"No repository could be made here ({error.strerror}).") from None
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _give_to_owner(root: Path, made: Path) -> None:
    status = root.stat()
    if status.st_uid == os.geteuid():
        return
    with suppress(PermissionError):
        for place in (made, *made.rglob("*")):
            os.chown(place, status.st_uid, status.st_gid)
