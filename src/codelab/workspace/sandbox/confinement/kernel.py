"""What the kernel is asked through ctypes: Landlock, the filter of system calls, privileges.

Numbers and structures are those of `linux/landlock.h`, `linux/seccomp.h` and `linux/prctl.h`.
"""

from __future__ import annotations

import ctypes
import os

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_ASK_VERSION = 1
_PATH_BENEATH = 1
_PR_SET_SECCOMP, _PR_CAPBSET_DROP, _PR_SET_SUBREAPER = 22, 24, 36
_PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT, _AMBIENT_CLEAR = 38, 47, 4
_SECCOMP_FILTER = 2
_CAPSET_VERSION = 0x2008_0522
_LAST_CAPABILITY = 63

# The first version that keeps signals and abstract sockets in, besides files and TCP.
NEEDED = 6
EXECUTE, WRITE_FILE, READ_FILE, READ_FOLDER = 1, 1 << 1, 1 << 2, 1 << 3
TRUNCATE, ASK_DEVICE = 1 << 14, 1 << 15
ALL_FILE_RIGHTS = (1 << 16) - 1
_RIGHTS_OF_A_FILE = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | ASK_DEVICE
# Not devices: not made, and not asked for what else they can do.
_DEVICES = 1 << 6 | 1 << 12 | ASK_DEVICE
READ = EXECUTE | READ_FILE | READ_FOLDER
CHANGE = ALL_FILE_RIGHTS & ~_DEVICES
TERMINAL = READ_FILE | WRITE_FILE | ASK_DEVICE
_TCP = 0b11
_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


class _Ruleset(ctypes.Structure):
    _fields_ = (
        ("files", ctypes.c_uint64),
        ("net", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


class _Filter(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_char_p))


class _CapabilityHeader(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


def landlock_version() -> int:
    """Return the version of Landlock's interface; 0 where there is none."""
    found = _libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_ASK_VERSION))
    return max(0, int(found))


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends."""
    _prctl(_PR_SET_SUBREAPER, 1)


def give_up_privileges() -> None:
    """Drop all capabilities for good, so that no program can win any."""
    for capability in range(_LAST_CAPABILITY + 1):
        # Beyond the last one that this kernel knows, and without the right to, it says no.
        _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
    _libc.prctl(_PR_CAP_AMBIENT, _AMBIENT_CLEAR, 0, 0, 0)
    header = _CapabilityHeader(_CAPSET_VERSION, 0)
    _checked(_libc.capset(ctypes.byref(header), (ctypes.c_uint32 * 6)()))
    refuse_new_privileges()


def refuse_new_privileges() -> None:
    """Let no program that is started from here on win a privilege; only then filters are taken."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def confine_files(rules: list[tuple[str, int]]) -> None:
    """Allow nothing but what the rules say: files by path, no TCP, no signals to others.

    Args:
        rules: Paths, and the rights to each and what lies beneath it. A missing one is left out.
    """
    ruleset = _Ruleset(ALL_FILE_RIGHTS, _TCP, _ABSTRACT_SOCKETS_AND_SIGNALS)
    size = ctypes.c_size_t(ctypes.sizeof(ruleset))
    descriptor = _checked(
        _libc.syscall(_CREATE_RULESET, ctypes.byref(ruleset), size, ctypes.c_uint32(0))
    )
    for path, rights in rules:
        _allow(descriptor, path, rights)
    _checked(_libc.syscall(_RESTRICT_SELF, descriptor, ctypes.c_uint32(0)))
    os.close(descriptor)


def install_filter(program: bytes) -> None:
    """Have the kernel run this filter on every system call from now on."""
    steps = _Filter(len(program) // 8, program)
    _checked(_libc.prctl(_PR_SET_SECCOMP, _SECCOMP_FILTER, ctypes.byref(steps), 0, 0))


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    if os.fstat(place).st_mode & 0o170000 != 0o040000:
        rights &= _RIGHTS_OF_A_FILE
    rule = _Beneath(rights, place)
    _checked(
        _libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), ctypes.c_uint32(0))
    )
    os.close(place)


def _prctl(option: int, value: int) -> None:
    _checked(_libc.prctl(option, value, 0, 0, 0))


def _checked(result: int) -> int:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result
