"""Which system calls a box may not make: a filter that the kernel runs, for bubblewrap to install.

The namespaces keep a program from what lies outside; this keeps it from the parts of the kernel in
which ways out have been found, and which building and testing software doesn't need. A refused
call fails as it does on a kernel without it (ENOSYS), so that programs go on another way; only
where they would not it fails with EPERM.

Numbers and structures are those of the kernel's `asm/unistd`, `linux/filter.h`, `linux/seccomp.h`
and `linux/audit.h`.
"""

from __future__ import annotations

import errno
import os
import platform
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOWED, _REFUSED = 0x7FFF_0000, 0x0005_0000
# Where the kernel puts what is asked: `struct seccomp_data`, the low halves of the arguments.
_NUMBER, _MACHINE, _FIRST_ARGUMENT, _SECOND_ARGUMENT = 0, 4, 16, 24
_X32 = 0x4000_0000
# Putting keys into a terminal's input, and a console's menu that can do the same.
_TERMINAL_INPUT = (0x5412, 0x541C)
# AF_UNIX, AF_INET, AF_INET6, AF_NETLINK. Each other family is a driver of its own, which the kernel
# may even load for whoever asks; AF_VSOCK is a wire to the machine that hosts this one.
_FAMILIES = (1, 2, 10, 16)
# Linux as it is, without shuffled addresses (sanitizers ask for it), and which one is set.
_PERSONALITIES = (0, 0x0004_0000, 0xFFFF_FFFF)
_NEW_NAMESPACES = 0x7E02_0080

Instruction = tuple[int, int, int, int]


class Machine(msgspec.Struct, frozen=True):
    """A kind of processor: its number in the kernel, and those of the calls."""

    audit: int
    calls: Mapping[str, int]


# Since this number new calls have had the same one everywhere.
_EVERYWHERE = {
    "pidfd_getfd": 438,
    "io_uring_setup": 425,
    "io_uring_enter": 426,
    "io_uring_register": 427,
    "open_tree": 428,
    "move_mount": 429,
    "fsopen": 430,
    "fsconfig": 431,
    "fsmount": 432,
    "fspick": 433,
    "clone3": 435,
    "mount_setattr": 442,
    "quotactl_fd": 443,
    "memfd_secret": 447,
    "open_tree_attr": 467,
}
MACHINES: Mapping[str, Machine] = {
    "x86_64": Machine(
        0xC000_003E,
        {
            **_EVERYWHERE,
            **{"ioctl": 16, "socket": 41, "clone": 56, "ptrace": 101, "syslog": 103},
            **{"uselib": 134, "personality": 135, "ustat": 136, "sysfs": 139, "vhangup": 153},
            **{"pivot_root": 155, "_sysctl": 156, "chroot": 161, "acct": 163, "settimeofday": 164},
            **{"mount": 165, "umount2": 166, "swapon": 167, "swapoff": 168, "reboot": 169},
            **{"sethostname": 170, "setdomainname": 171, "iopl": 172, "ioperm": 173},
            **{"init_module": 175, "delete_module": 176, "quotactl": 179, "nfsservctl": 180},
            **{"lookup_dcookie": 212, "clock_settime": 227, "kexec_load": 246, "add_key": 248},
            **{"request_key": 249, "keyctl": 250, "migrate_pages": 256, "unshare": 272},
            **{"move_pages": 279, "perf_event_open": 298, "open_by_handle_at": 304},
            **{"setns": 308, "process_vm_readv": 310, "process_vm_writev": 311, "kcmp": 312},
            **{"finit_module": 313, "kexec_file_load": 320, "bpf": 321, "userfaultfd": 323},
        },
    ),
    "aarch64": Machine(
        0xC000_00B7,
        {
            **_EVERYWHERE,
            **{"lookup_dcookie": 18, "ioctl": 29, "umount2": 39, "mount": 40, "pivot_root": 41},
            **{"nfsservctl": 42, "chroot": 51, "vhangup": 58, "quotactl": 60, "acct": 89},
            **{"personality": 92, "unshare": 97, "kexec_load": 104, "init_module": 105},
            **{"delete_module": 106, "clock_settime": 112, "syslog": 116, "ptrace": 117},
            **{"reboot": 142, "sethostname": 161, "setdomainname": 162, "settimeofday": 170},
            **{"socket": 198, "add_key": 217, "request_key": 218, "keyctl": 219, "clone": 220},
            **{"swapon": 224, "swapoff": 225, "migrate_pages": 238, "move_pages": 239},
            **{"perf_event_open": 241, "open_by_handle_at": 265, "setns": 268},
            **{"process_vm_readv": 270, "process_vm_writev": 271, "kcmp": 272},
            **{"finit_module": 273, "bpf": 280, "userfaultfd": 282, "kexec_file_load": 294},
        },
    ),
}
# These look at their arguments, below.
JUDGED = ("ioctl", "clone", "socket", "personality")
# Programs ask these and take no for an answer only when it is this one.
FORBIDDEN = ("ptrace", "mount", "umount2", "unshare", "setns", "chroot", "pivot_root")


def available() -> bool:
    """Tell whether there is a filter for this machine."""
    return platform.system() == "Linux" and platform.machine() in MACHINES


def open_filter() -> int:
    """Return a descriptor from which bubblewrap reads the filter; the caller closes it.

    Each box needs one of its own, since whoever reads it moves its place.
    """
    descriptor = os.memfd_create("codelab-seccomp", 0)
    os.write(descriptor, _PROGRAM)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def program(machine: Machine, further: Iterable[Instruction] = ()) -> bytes:
    """Assemble the filter: an array of `struct sock_filter`.

    Args:
        machine: The kind of processor.
        further: More steps, which begin and end with the call's number at hand.
    """
    return b"".join(struct.pack("<HBBI", *one) for one in _instructions(machine, further))


def refused(error: int) -> Instruction:
    """Return the step that refuses a call with this error."""
    return (_RETURN, 0, 0, _REFUSED | error)


def unless(number: int, place: int, allowed: Sequence[int], error: int) -> Iterator[Instruction]:
    """Refuse a call unless an argument's low half has one of these values.

    Args:
        number: The call.
        place: Where the argument lies: 16 for the first, 8 more for each further one.
        allowed: The values.
        error: What the refusal says.
    """
    last = len(allowed)
    tests = [(_EQUAL, last - index, 0, value) for index, value in enumerate(allowed)]
    yield from _where(number, place, [*tests, refused(error)])


def _instructions(machine: Machine, further: Iterable[Instruction]) -> Iterator[Instruction]:
    unknown, forbidden = refused(errno.ENOSYS), refused(errno.EPERM)
    calls = machine.calls
    # Another processor's calls, such as those of 32 bits, have other numbers.
    yield from ((_LOAD, 0, 0, _MACHINE), (_EQUAL, 1, 0, machine.audit), unknown)
    yield from ((_LOAD, 0, 0, _NUMBER), (_AT_LEAST, 0, 1, _X32), unknown)
    for name, number in calls.items():
        if name not in JUDGED:
            answer = forbidden if name in FORBIDDEN else unknown
            yield from ((_EQUAL, 0, 1, number), answer)
    terminal = [step for one in _TERMINAL_INPUT for step in ((_EQUAL, 0, 1, one), forbidden)]
    yield from _where(calls["ioctl"], _SECOND_ARGUMENT, terminal)
    namespaces: list[Instruction] = [(_ANY_BIT, 0, 1, _NEW_NAMESPACES), forbidden]
    yield from _where(calls["clone"], _FIRST_ARGUMENT, namespaces)
    yield from unless(calls["socket"], _FIRST_ARGUMENT, _FAMILIES, errno.EPERM)
    yield from unless(calls["personality"], _FIRST_ARGUMENT, _PERSONALITIES, errno.EPERM)
    yield from further
    yield (_RETURN, 0, 0, _ALLOWED)


def _where(number: int, place: int, tests: list[Instruction]) -> Iterator[Instruction]:
    """Look at an argument of one call, and at the call's number again after that."""
    yield (_EQUAL, 0, len(tests) + 2, number)
    yield (_LOAD, 0, 0, place)
    yield from tests
    yield (_LOAD, 0, 0, _NUMBER)


_PROGRAM = program(MACHINES[platform.machine()]) if available() else b""
