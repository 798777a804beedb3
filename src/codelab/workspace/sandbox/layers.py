"""The layers that can keep a program in a box: how each of them starts one."""

from __future__ import annotations

import os
import resource
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal, Protocol

import msgspec

import codelab
from codelab.kit.ids import new_id
from codelab.workspace.errors import SandboxUnavailable
from codelab.workspace.leftovers import is_older
from codelab.workspace.sandbox import seccomp
from codelab.workspace.sandbox.box import (
    CHANGES_FILES,
    Access,
    Box,
    Caps,
    arguments,
    environment,
    system_folders,
)
from codelab.workspace.sandbox.confinement import kernel
from codelab.workspace.sandbox.confinement.main import Job, pack
from codelab.workspace.sandbox.guarded import are_shown, identities, kept_places
from codelab.workspace.sandbox.process_user import ProcessUser, user_for
from codelab.workspace.sandbox.processes import kill_box
from codelab.workspace.sandbox.seccomp_alone import filter_alone

LayerName = Literal["bubblewrap", "landlock", "none"]

# What approvals, prompts and people read.
WORDS: dict[LayerName, str] = {
    "bubblewrap": "bubblewrap",
    "landlock": (
        "landlock (weaker than bubblewrap: names of files elsewhere are not hidden, and settings "
        "of git, editors and agents are put back only after the command)"
    ),
    "none": "none",
}

_MB = 1_000_000
_SCRATCH = "codelab-box-"
# No command runs that long.
_LEFT_OVER_AFTER_S = 3600.0
_OPEN_FILES = 4096
_SOURCE = Path(codelab.__file__).resolve().parent.parent
_PROGRAM = (
    "import sys; sys.path.append(sys.argv.pop(1)); "
    "from codelab.workspace.sandbox.confinement.main import main; main()"
)
_DEVICES = ("null", "zero", "full", "random", "urandom")
_FACTS = ("cpuinfo", "filesystems", "loadavg", "meminfo", "stat", "uptime", "version")


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """A process to start.

    Args:
        words: The program and its arguments.
        environment: All of its environment.
        kill: Ends everything that this process started, told its id; its input was closed.
        is_sound: Tells of the first process in the built box whether it sees what it should.
        descriptors: What it inherits.
    """

    words: list[str]
    environment: dict[str, str]
    kill: Callable[[int], object]
    is_sound: Callable[[int], bool] = lambda _: True
    descriptors: tuple[int, ...] = ()


class Layer(Protocol):
    """One way to build a box."""

    name: LayerName
    # Whether a server that is root starts commands as the owner of their workspace.
    as_owner: bool

    @contextmanager
    def prepared(self, box: Box, command: Sequence[str]) -> Iterator[Start]:
        """Hold what a start needs.

        Raises:
            SandboxUnavailable: This layer cannot build this box.
        """
        ...


class Bubblewrap:
    """Namespaces of its own for each box.

    Args:
        program: Where bubblewrap is.
        setpriv: Where the program is that starts it as the owner of the workspace, for a server
            that is root; without it, it runs as the server. (uvloop starts nothing as others.)
    """

    name: LayerName = "bubblewrap"

    def __init__(self, program: str, setpriv: str = "") -> None:
        self._program = program
        self._setpriv = setpriv
        self.as_owner = bool(setpriv)

    @contextmanager
    def prepared(self, box: Box, command: Sequence[str]) -> Iterator[Start]:
        """Hold the filter of system calls open."""
        expected = identities(box.root, box.guarded)
        kept = [place for place in box.guarded if place in expected or place.parent == box.root]
        box = msgspec.structs.replace(box, guarded=tuple(kept))
        filtering = seccomp.open_filter() if seccomp.available() else None
        try:
            yield Start(
                words=[*self._becoming(box), self._program, *arguments(box, command, filtering)],
                environment=environment(box),
                kill=kill_box,
                is_sound=lambda process: are_shown(process, expected),
                descriptors=() if filtering is None else (filtering,),
            )
        finally:
            if filtering is not None:
                os.close(filtering)

    def _becoming(self, box: Box) -> list[str]:
        # What the server keeps for itself is writable for itself only.
        if not self.as_owner or box.writable:
            return []
        user = user_for(box.root, box.read_only)
        if user is None:
            return []
        _hand_over(box, user)
        ids = (f"--reuid={user.uid}", f"--regid={user.gid}")
        return [self._setpriv, *ids, "--clear-groups", "--"]


class Landlock:
    """No namespaces: the kernel judges each access of the program and of what it starts."""

    name: LayerName = "landlock"
    as_owner = True

    @contextmanager
    def prepared(self, box: Box, command: Sequence[str]) -> Iterator[Start]:
        """Say what the program may reach."""
        needed = (*box.read_only, Path(sys.executable), _SOURCE)
        user = None if box.writable else user_for(box.root, needed)
        if user:
            _hand_over(box, user)
        number = new_id()
        scratch = str(Path(tempfile.gettempdir(), f"{_SCRATCH}{number}"))
        job = Job(
            user=(user.uid, user.gid) if user else (),
            root=str(box.root),
            scratch=scratch,
            rules=_rules(box),
            limits=_limits(box.caps),
            processes=box.caps.processes,
            filter=filter_alone(is_root=(user.uid if user else os.geteuid()) == 0),
            kept=_kept(box),
            mark=f".set-aside-{number[-8:]}",
            terminal=box.terminal,
            command=list(command),
        )
        yield Start(
            words=[sys.executable, "-I", "-S", "-c", _PROGRAM, str(_SOURCE), *pack(job)],
            environment=environment(box, scratch),
            kill=_leave_to_it,
        )


def _hand_over(box: Box, user: ProcessUser) -> None:
    if box.terminal:
        os.chown(box.terminal, user.uid, user.gid)


def _limits(caps: Caps) -> list[tuple[int, int]]:
    return [
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, caps.file_mb * _MB),
        (resource.RLIMIT_DATA, caps.memory_mb * _MB),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
    ]


def _leave_to_it(process: int) -> None:
    """Do nothing: when its input ends, that process ends all others itself, and clears up."""


def clear_scratch(now: float) -> None:
    """Remove the scratch folders of commands that were killed together with what clears up.

    Args:
        now: Seconds since 1970.
    """
    for folder in Path(tempfile.gettempdir()).glob(f"{_SCRATCH}*"):
        if is_older(folder.name.removeprefix(_SCRATCH), _LEFT_OVER_AFTER_S, now):
            with suppress(RecursionError):
                shutil.rmtree(folder, ignore_errors=True)


def _rules(box: Box) -> list[tuple[str, int]]:
    """Name what may be reached; a hole in something visible cannot be named."""
    writable = [*box.writable]
    if box.access in CHANGES_FILES:
        writable.append(box.root)
    elif box.access is Access.HISTORY and (box.root / ".git").is_dir():
        writable.append(box.root / ".git")
    seen = [*system_folders(), *box.read_only]
    for path in box.hidden:
        if any(path.is_relative_to(place.resolve()) for place in (*seen, box.root)):
            raise SandboxUnavailable(
                "Commands are off here: Landlock cannot hide a part of what commands may read, "
                "and CodeLab's own data or settings lie in it."
            )
    return [
        *((str(path), kernel.READ) for path in seen),
        *((f"/dev/{name}", kernel.READ | kernel.WRITE_FILE) for name in _DEVICES),
        *((f"/proc/{name}", kernel.READ_FILE) for name in _FACTS),
        *([("/dev/tty", kernel.TERMINAL)] if box.terminal else []),
        (str(box.root), kernel.READ),
        *((str(path), kernel.READ | kernel.CHANGE) for path in writable),
    ]


def _kept(box: Box) -> list[str]:
    # While a human sits there, others change these files as well: the editor, git outside.
    if box.access is Access.READ or box.terminal:
        return []
    if (box.root / ".git").is_symlink():
        raise SandboxUnavailable("Commands are off because .git is a symbolic link here.")
    places = kept_places(box.root, (*box.guarded, *box.absent))
    return [str(place.relative_to(box.root)) for place in places]
