"""Programs that run other programs, as data: what their arguments look like."""

from __future__ import annotations

import enum

import msgspec


class Trust(enum.StrEnum):
    """How far a program that runs another can be seen through.

    TRANSPARENT changes nothing that matters, so what it runs decides. OPAQUE changes who, where
    or what with, so it is judged besides what it runs. UNKNOWABLE takes arguments from elsewhere.
    """

    TRANSPARENT = "transparent"
    OPAQUE = "opaque"
    UNKNOWABLE = "unknowable"


class Launcher(msgspec.Struct, frozen=True):
    """The arguments of a program before those of the program that it runs.

    Args:
        trust: How far it can be seen through.
        flags: Short options without a value.
        valued: Short options with a value.
        long: Long options without a value.
        long_valued: Long options with a value.
        operands: How many other arguments come first.
        assigns: Whether NAME=VALUE may come first.
        describes: Short options that make it run nothing.
        folder: Options that say where the program runs.
        texts: Options whose value is a command line.
    """

    trust: Trust
    flags: str = ""
    valued: str = ""
    long: frozenset[str] = frozenset()
    long_valued: frozenset[str] = frozenset()
    operands: int = 0
    assigns: bool = False
    describes: str = ""
    folder: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_OF_TEXT = Launcher(Trust.UNKNOWABLE, texts=_names("-c --command"), valued="c")
_ELSEWHERE = Launcher(Trust.UNKNOWABLE)

LAUNCHERS = {
    "timeout": Launcher(
        Trust.TRANSPARENT,
        flags="fpv",
        valued="ks",
        long=_names("--foreground --preserve-status --verbose"),
        long_valued=_names("--kill-after --signal"),
        operands=1,
    ),
    "nice": Launcher(
        Trust.TRANSPARENT,
        flags="0123456789",
        valued="n",
        long_valued=_names("--adjustment"),
    ),
    "nohup": Launcher(Trust.TRANSPARENT),
    # Its other options write to a file.
    "time": Launcher(Trust.TRANSPARENT, flags="pv", long=_names("--portability --verbose")),
    "stdbuf": Launcher(
        Trust.TRANSPARENT, valued="ioe", long_valued=_names("--input --output --error")
    ),
    "ionice": Launcher(
        Trust.TRANSPARENT,
        flags="t",
        valued="cn",
        long=_names("--ignore"),
        long_valued=_names("--class --classdata"),
    ),
    "setsid": Launcher(Trust.TRANSPARENT, flags="cfw", long=_names("--ctty --fork --wait")),
    "command": Launcher(Trust.TRANSPARENT, flags="p", describes="vV"),
    "builtin": Launcher(Trust.OPAQUE),
    "exec": Launcher(Trust.OPAQUE, flags="cl", valued="a"),
    "busybox": Launcher(Trust.OPAQUE, long=_names("--list --list-full --help")),
    "toybox": Launcher(Trust.OPAQUE),
    "sudo": Launcher(
        Trust.OPAQUE,
        flags="ABbEHKknPSNV",
        valued="CDghpRrTtUu",
        long=_names("--background --non-interactive --preserve-env --set-home --stdin"),
        long_valued=_names("--chdir --chroot --group --host --prompt --user"),
        assigns=True,
        folder=_names("-D --chdir"),
    ),
    "doas": Launcher(Trust.OPAQUE, flags="nL", valued="aCu", assigns=True),
    "env": Launcher(
        Trust.TRANSPARENT,
        flags="iv",
        valued="uCS",
        long=_names("--ignore-environment --debug"),
        long_valued=_names("--unset --chdir --split-string"),
        assigns=True,
        folder=_names("-C --chdir"),
    ),
    "flock": Launcher(
        Trust.OPAQUE,
        flags="eFnosux",
        valued="Ew",
        long=_names("--close --exclusive --no-fork --nonblock --shared --unlock --verbose"),
        long_valued=_names("--conflict-exit-code --timeout"),
        operands=1,
    ),
    "watch": Launcher(
        Trust.OPAQUE,
        flags="bcdegtw",
        valued="nq",
        long=_names("--beep --chgexit --color --errexit --no-title --no-wrap --precise"),
        long_valued=_names("--interval --equexit"),
    ),
    "xargs": Launcher(
        Trust.UNKNOWABLE,
        flags="0eiloprtx",
        valued="adEILnPs",
        long_valued=_names("--arg-file --delimiter --max-args --max-chars --max-procs --replace"),
    ),
    "parallel": Launcher(Trust.UNKNOWABLE, valued="aIjnN", long_valued=_names("--jobs")),
    "chroot": Launcher(Trust.UNKNOWABLE, operands=1),
    "taskset": Launcher(Trust.UNKNOWABLE, operands=1),
    "chrt": Launcher(Trust.UNKNOWABLE, valued="TPD", operands=1),
    "nsenter": Launcher(Trust.UNKNOWABLE, valued="tSG", long_valued=_names("--target")),
    "unshare": Launcher(Trust.UNKNOWABLE, valued="RwSG"),
    "systemd-run": Launcher(Trust.UNKNOWABLE, valued="Epu", long_valued=_names("--unit")),
    "strace": Launcher(Trust.UNKNOWABLE, valued="abeEoOpPsSuUX"),
    "ltrace": Launcher(Trust.UNKNOWABLE, valued="aAeFlnopsuwx"),
    "su": _OF_TEXT,
    "runuser": _OF_TEXT,
    "script": _OF_TEXT,
} | dict.fromkeys(
    _names(
        "catchsegv chronic fakeroot linux32 linux64 numactl pkexec prlimit proot rlwrap run0"
        " setarch setpriv trickle unbuffer valgrind"
    ),
    _ELSEWHERE,
)

# They run something that is not in the line, or not here.
REMOTE = _names("at batch crontab dbus-run-session entr expect mosh rsh screen ssh tmux")

SHELLS = _names("ash bash dash fish ksh mksh rbash sh yash zsh")

# Builtins that read their arguments as code, or change what later words mean.
EVALUATORS = _names(
    "alias bind compgen complete compopt declare enable export fc getopts hash history let local"
    " mapfile popd read readarray readonly set shopt trap typeset unalias unset"
)
# Builtins that do so with one of these options.
SOMETIMES_EVALUATORS = {
    "[": ("-v", "-R"),
    "jobs": ("-x",),
    "printf": ("-v",),
    "test": ("-v", "-R"),
    "wait": ("-p", "-np", "-fp"),
}
