"""What a command can see: the arguments that make bubblewrap build its box."""

from __future__ import annotations

import enum
import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from codelab.workspace.egress.reach import NOWHERE, Reach
from codelab.workspace.errors import SandboxUnavailable
from codelab.workspace.sandbox.guarded import GIT_SETTINGS

TMP = str(Path("/", "tmp"))

_MB = 1_000_000
_SYSTEM = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_ETC = (
    "alternatives",
    "group",
    "hosts",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "mime.types",
    "nsswitch.conf",
    "passwd",
    "pki/ca-trust",
    "pki/tls/cert.pem",
    "pki/tls/certs",
    "protocols",
    "services",
    "ssl/cert.pem",
    "ssl/certs",
    "ssl/openssl.cnf",
)
_PROGRAMS = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")

# The first process: says that it is ready and waits for the word to go, which never comes when the
# server died before the kernel was told to end the box with it. Then it sets the limits where they
# count for this box alone, runs the program and adopts orphans; when it ends, the kernel ends
# everything else in the box. It leads its session, so that the terminal that it opens becomes the
# one of everything that it starts.
_FIRST = (
    "echo; read -r go || exit 1; {input}; "
    'ulimit -c 0; ulimit -f "$1"; ulimit -d "$2"; ulimit -n 4096 2>/dev/null; '
    'ulimit -u "$3" 2>/dev/null || ulimit -p "$3"; shift 3; "$@"; exit $?'
)
_NO_INPUT = "exec </dev/null"
# Named so, it is found by its name in the box, where the machine's own terminals are not.
_CONSOLE = str(Path("/dev", "console"))
_TERMINAL = f"exec 0<>{_CONSOLE} 1>&0 2>&0"
_ISOLATION = (
    *("--unshare-all", "--unshare-user", "--disable-userns", "--cap-drop", "ALL"),
    *("--die-with-parent", "--new-session", "--as-pid-1", "--hostname", "codelab"),
)
_FOR_PROGRAMS = {
    "GIT_PAGER": "cat",
    "GIT_TERMINAL_PROMPT": "0",
    "NO_COLOR": "1",
    "PAGER": "cat",
    "TERM": "dumb",
}
_FOR_PEOPLE = {
    "COLORTERM": "truecolor",
    "GIT_CONFIG_NOSYSTEM": "1",
    "LESS": "FRX",
    "TERM": "xterm-256color",
}


class Access(enum.Enum):
    """What may be changed in the box.

    READ: nothing. WORK: the workspace but not what git keeps. HISTORY: what git keeps, but for its
    settings and hooks, and no file of the workspace. COMMIT: what WORK and HISTORY allow.
    """

    READ = "read"
    WORK = "work"
    HISTORY = "history"
    COMMIT = "commit"


CHANGES_FILES = (Access.WORK, Access.COMMIT)


class Caps(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of one box.

    Args:
        processes: How many processes and threads may live at once.
        memory_mb: How much memory all of them may hold; one alone may not ask for more either.
        file_mb: The largest file that may be written.
        disk_mb: How far the disk's free space may fall while a command runs.
        scratch_mb: The size of the private /tmp, which lives in memory.
    """

    processes: int = 512
    memory_mb: int = 4096
    file_mb: int = 1024
    disk_mb: int = 2048
    scratch_mb: int = 512


class Box(msgspec.Struct, frozen=True, kw_only=True):
    """A box around one workspace.

    Args:
        root: The workspace, visible at its own path.
        access: What may be changed.
        read_only: Further files and folders that are visible.
        writable: Further folders that may be changed.
        hidden: What must stay invisible even if it lies in something visible.
        caps: Its bounds.
        guarded: Files and folders of the workspace that are there and may not be changed.
        absent: Places in the workspace where nothing is, and where nothing may be made.
        reach: What of the network it may reach, and what it needs for that.
        terminal: The terminal at which a human sits; empty: nobody does.
    """

    root: Path
    access: Access
    read_only: tuple[Path, ...] = ()
    writable: tuple[Path, ...] = ()
    hidden: tuple[Path, ...] = ()
    caps: Caps = Caps()
    guarded: tuple[Path, ...] = ()
    absent: tuple[Path, ...] = ()
    reach: Reach = NOWHERE
    terminal: str = ""


class _Mount(msgspec.Struct, frozen=True):
    """A place in the box and the words that fill it."""

    place: str
    words: tuple[str, ...]


def arguments(box: Box, command: Sequence[str], filtering: int | None = None) -> list[str]:
    """Return bubblewrap's arguments for one command.

    Args:
        box: The box.
        command: The program and its arguments.
        filtering: The descriptor that holds the filter of system calls, if there is one.

    Raises:
        SandboxUnavailable: Something in the workspace cannot be protected.
    """
    caps = box.caps
    mounts = [
        *_system(),
        *_scratch(caps),
        *_terminal(box),
        *_visible(box),
        *_git(box),
        *_kept(box),
        *_covered(box),
        *_invisible(box),
    ]
    # What lies deeper comes later, so that nothing covers it.
    mounts.sort(key=lambda mount: len(Path(mount.place).parts))
    limits = (caps.file_mb * _MB // 512, caps.memory_mb * _MB // 1024, caps.processes)
    first = _FIRST.format(input=_TERMINAL if box.terminal else _NO_INPUT)
    filtered = () if filtering is None else ("--seccomp", str(filtering))
    return [
        *_ISOLATION,
        *filtered,
        *(word for mount in mounts for word in mount.words),
        # bubblewrap's own root, and the settings of the kernel, which root could change.
        *("--remount-ro", "/dev", "--remount-ro", "/proc", "--remount-ro", "/"),
        *("--chdir", str(box.root), "--", "/bin/sh", "-c", first, "sh"),
        *map(str, limits),
        *command,
    ]


def environment(box: Box, scratch: str = TMP) -> dict[str, str]:
    """Return the whole environment of the box: nothing of the server's own.

    Args:
        box: The box.
        scratch: Its private folder for temporary files.
    """
    own = [str(path / "bin") for path in box.read_only if os.access(path / "bin", os.X_OK)]
    return {
        "HOME": scratch,
        "LANG": "C.UTF-8",
        "PATH": ":".join([*own, *_PROGRAMS]),
        "TMPDIR": scratch,
        **(_FOR_PEOPLE if box.terminal else _FOR_PROGRAMS),
        **box.reach.variables,
    }


def system_folders() -> list[Path]:
    """Name the system's own files and folders that every box may read."""
    folders = [path for name in ("usr", *_SYSTEM) if (path := Path("/", name)).is_dir()]
    return folders + [path for name in _ETC if (path := Path("/etc", name)).exists()]


def _system() -> list[_Mount]:
    return [_linked(path) if path.is_symlink() else _bound(path) for path in system_folders()]


def _linked(path: Path) -> _Mount:
    # In /etc it is what the link names that counts: its name lies elsewhere.
    if path.parent.name:
        return _bound(path)
    return _Mount(str(path), ("--symlink", str(path.readlink()), str(path)))


def _scratch(caps: Caps) -> list[_Mount]:
    return [
        _Mount("/proc", ("--proc", "/proc")),
        _Mount("/dev", ("--dev", "/dev")),
        _memory_folder(str(Path("/dev", "shm")), caps.scratch_mb // 8),
        _memory_folder(TMP, caps.scratch_mb),
    ]


def _terminal(box: Box) -> list[_Mount]:
    if not box.terminal:
        return []
    return [_Mount(_CONSOLE, ("--dev-bind", box.terminal, _CONSOLE))]


def _visible(box: Box) -> list[_Mount]:
    further = [_bound(path) for path in box.read_only if os.access(path, os.R_OK)]
    own = [_bound(path, writable=True) for path in box.writable]
    return [*further, *own, _bound(box.root, writable=box.access in CHANGES_FILES)]


def _git(box: Box) -> list[_Mount]:
    """Keep the settings and hooks of the user's repository from being planted.

    git runs what they name, later and outside any box. Whoever can write anything there can also
    point git at other settings, so that commands get the whole folder read-only.
    """
    place = box.root / ".git"
    is_history = box.access is Access.HISTORY
    if box.access is Access.READ or (is_history and not os.path.lexists(place)):
        return []
    # At a terminal a human may make a repository.
    if place in box.absent or (box.terminal and not os.path.lexists(place)):
        return []
    if place.is_symlink():
        raise SandboxUnavailable("Commands are off because .git is a symbolic link here.")
    if box.access is Access.WORK or not place.is_dir():
        return [_bound(place)]
    inner = [_bound(place, writable=True), _empty(str(place / "hooks"))]
    return inner + [_bound(path) for name in GIT_SETTINGS if (path := place / name).is_file()]


def _covered(box: Box) -> list[_Mount]:
    return [_Mount(str(path), ("--ro-bind", str(by), str(path))) for path, by in box.reach.covers]


def _kept(box: Box) -> list[_Mount]:
    """Keep what other programs obey as it is."""
    return [*map(_bound, box.guarded), *(_empty(str(place)) for place in box.absent)]


def _invisible(box: Box) -> list[_Mount]:
    shown = (Path("/usr"), *box.read_only, box.root)
    mounts = []
    for path in box.hidden:
        if any(path.is_relative_to(place) for place in shown) and os.access(path, os.F_OK):
            cover = ("--ro-bind", "/dev/null", str(path))
            mounts.append(_empty(str(path)) if path.is_dir() else _Mount(str(path), cover))
    return mounts


def _bound(path: Path, *, writable: bool = False) -> _Mount:
    return _Mount(str(path), ("--bind" if writable else "--ro-bind", str(path), str(path)))


def _empty(place: str) -> _Mount:
    # In memory: whatever is made in it is nowhere on the disk and ends with the box. A read-only
    # one would say so more plainly, but takes bubblewrap several times as long to mount.
    return _Mount(place, ("--perms", "0555", "--size", "4096", "--tmpfs", place))


def _memory_folder(place: str, size_mb: int) -> _Mount:
    words = ("--perms", "1777", "--size", str(size_mb * _MB), "--tmpfs", place)
    return _Mount(place, words)
