"""What a program may not ask of the kernel where no namespaces surround it, only Landlock.

Landlock judges the opening of files, TCP and signals. The rest by which processes of one user reach
each other is refused here: sockets of every kind, shared memory and queues with names, each other's
limits and priorities, and the modes, owners and times of files anywhere by their path.
"""

from __future__ import annotations

import errno
import functools
import platform
from collections.abc import Iterator, Mapping

from codelab.workspace.sandbox.seccomp import MACHINES, Instruction, program, refused, unless

_FIRST, _SECOND, _SECOND_HIGH = 16, 24, 28
_LOAD, _AND, _EQUAL = 0x20, 0x54, 0x15
# SOCK_STREAM and SOCK_SEQPACKET: a pair of these can never be pointed at somebody else.
_PAIRED = (1, 5)
_KIND = 0xF
# FS_IOC_SETFLAGS, FS_IOC_FSSETXATTR.
_FILE_FLAGS = (0x4008_6602, 0x401C_5820)

_EVERYWHERE = {
    "fchmodat2": 452,
    "setxattrat": 463,
    "removexattrat": 466,
    "file_setattr": 469,
}
CALLS: Mapping[str, Mapping[str, int]] = {
    "x86_64": {
        **_EVERYWHERE,
        **{"shmget": 29, "shmat": 30, "shmctl": 31, "semget": 64, "semop": 65, "semctl": 66},
        **{"msgget": 68, "msgsnd": 69, "msgrcv": 70, "msgctl": 71, "semtimedop": 220},
        **{"mq_open": 240, "mq_unlink": 241, "chmod": 90, "chown": 92, "lchown": 94},
        **{"fchownat": 260, "fchmodat": 268, "utime": 132, "utimes": 235, "futimesat": 261},
        **{"setxattr": 188, "lsetxattr": 189, "removexattr": 197, "lremovexattr": 198},
        **{"socketpair": 53, "utimensat": 280, "prlimit64": 302, "setpriority": 141},
        **{"ioprio_set": 251, "sched_setparam": 142, "sched_setscheduler": 144},
        **{"sched_setaffinity": 203, "sched_setattr": 314},
        **{"fchmod": 91, "fchown": 93, "fsetxattr": 190, "fremovexattr": 199},
    },
    "aarch64": {
        **_EVERYWHERE,
        **{"shmget": 194, "shmat": 196, "shmctl": 195, "semget": 190, "semop": 193, "semctl": 191},
        **{"msgget": 186, "msgsnd": 189, "msgrcv": 188, "msgctl": 187, "semtimedop": 192},
        **{"mq_open": 180, "mq_unlink": 181, "fchownat": 54, "fchmodat": 53},
        **{"setxattr": 5, "lsetxattr": 6, "removexattr": 14, "lremovexattr": 15},
        **{"socketpair": 199, "utimensat": 88, "prlimit64": 261, "setpriority": 140},
        **{"ioprio_set": 30, "sched_setparam": 118, "sched_setscheduler": 119},
        **{"sched_setaffinity": 122, "sched_setattr": 274},
        **{"fchmod": 52, "fchown": 55, "fsetxattr": 7, "fremovexattr": 16},
    },
}
_SHARED = ("shm", "sem", "msg", "mq_")
# These are told on whom they act; nobody but the caller is allowed.
_SCHEDULING = ("sched_setparam", "sched_setscheduler", "sched_setaffinity", "sched_setattr")
_ON_FIRST = ("prlimit64", *_SCHEDULING)
_ON_SECOND = ("setpriority", "ioprio_set")
# Owning a file is enough for these; whose files the command may open for reading is the question.
_BY_DESCRIPTOR = ("fchmod", "fchown", "fsetxattr", "fremovexattr")
_JUDGED = (*_ON_FIRST, *_ON_SECOND, *_BY_DESCRIPTOR, "socketpair", "utimensat")


@functools.cache
def filter_alone(*, is_root: bool) -> bytes:
    """Return the whole filter of system calls for this machine.

    Args:
        is_root: Whether the command's user is root, to whom the system's programs belong.
    """
    machine = platform.machine()
    return program(MACHINES[machine], _steps(machine, is_root=is_root))


def _steps(name: str, *, is_root: bool) -> Iterator[Instruction]:
    calls, general = CALLS[name], MACHINES[name].calls
    for call, number in calls.items():
        if call not in _JUDGED or (is_root and call in _BY_DESCRIPTOR):
            error = errno.ENOSYS if call.startswith(_SHARED) else errno.EPERM
            yield from ((_EQUAL, 0, 1, number), refused(error))
    yield from ((_EQUAL, 0, 1, general["socket"]), refused(errno.EAFNOSUPPORT))
    for call in _ON_FIRST:
        yield from unless(calls[call], _FIRST, (0,), errno.EPERM)
    for call in _ON_SECOND:
        yield from unless(calls[call], _SECOND, (0,), errno.EPERM)
    # Without a path it is about an open file.
    for half in (_SECOND, _SECOND_HIGH):
        yield from unless(calls["utimensat"], half, (0,), errno.EPERM)
    kinds = [(_EQUAL, 2 - index, 0, kind) for index, kind in enumerate(_PAIRED)]
    yield from (
        *((_EQUAL, 0, 6, calls["socketpair"]), (_LOAD, 0, 0, _SECOND), (_AND, 0, 0, _KIND)),
        *(*kinds, refused(errno.EPERM), (_LOAD, 0, 0, 0)),
    )
    for flags in _FILE_FLAGS:
        yield from (
            *((_EQUAL, 0, 4, general["ioctl"]), (_LOAD, 0, 0, _SECOND)),
            *((_EQUAL, 0, 1, flags), refused(errno.EPERM), (_LOAD, 0, 0, 0)),
        )
