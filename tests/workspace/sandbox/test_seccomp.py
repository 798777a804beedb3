"""The parts of the kernel in which ways out have been found are closed inside a box."""

import errno
import json
import os
import platform
import re
import shutil
from pathlib import Path

import pytest

from codelab.workspace.folder import Folder
from codelab.workspace.sandbox import seccomp, seccomp_alone

HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}
PYTHON = shutil.which("python3", path="/usr/bin")
# Prints the error number of each call as JSON.
PROBE = """
import ctypes, json, os, sys
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    ctypes.set_errno(0)
    words = [ctypes.c_long(one) for one in (number, *arguments)]
    return ctypes.get_errno() if libc.syscall(*words) == -1 else 0
print(json.dumps([call(*one) for one in json.loads(sys.argv[1])]))
"""

needs_filter = pytest.mark.skipif(
    not seccomp.available() or PYTHON is None, reason="no filter, or no Python, inside a box here"
)


async def errors(folder: Folder, *calls: tuple[int, ...]) -> list[int]:
    done = await folder.run(f"/usr/bin/python3 -c '{PROBE}' '{json.dumps(calls)}'")
    found: list[int] = json.loads(done.output)
    return found


def numbers() -> dict[str, int]:
    return dict(seccomp.MACHINES[platform.machine()].calls)


@needs_filter
@pytest.mark.usefixtures("boxed")
async def test_every_listed_call_is_refused(folder: Folder) -> None:
    listed = {name: number for name, number in numbers().items() if name not in seccomp.JUDGED}
    # Wrong arguments: without the filter the kernel would say something else, or ask for rights.
    found = await errors(folder, *((number, -1, -1, -1, -1, -1) for number in listed.values()))
    refused = {name: errno.errorcode[error] for name, error in zip(listed, found, strict=True)}
    assert refused == {name: "EPERM" if name in seccomp.FORBIDDEN else "ENOSYS" for name in listed}


@needs_filter
@pytest.mark.usefixtures("boxed")
async def test_calls_are_judged_by_their_arguments(folder: Folder) -> None:
    call = numbers()
    new_user, child_died = 0x1000_0000, 17
    found = await errors(
        folder,
        (call["ioctl"], 0, 0x5412, 0),
        (call["ioctl"], 0, 0x541C, 0),
        (call["clone"], new_user | child_died, 0, 0, 0, 0),
        (call["socket"], 38, 5, 0),
        (call["socket"], 40, 1, 0),
        (call["personality"], 0x0040_0000),
    )
    assert found == [errno.EPERM] * 6
    fine = await errors(
        folder, (call["socket"], 1, 1, 0), (call["socket"], 2, 1, 0), (call["personality"], 0)
    )
    assert fine == [0, 0, 0]
    # A question that no terminal answers is refused by the kernel itself, not by the filter.
    assert await errors(folder, (call["ioctl"], 0, 0x5401, 0)) == [errno.ENOTTY]


@needs_filter
@pytest.mark.usefixtures("boxed")
async def test_other_numberings_are_refused_whole(folder: Folder) -> None:
    """x32, the second set of numbers of an x86-64 kernel, would pass by the list."""
    if platform.machine() != "x86_64":
        pytest.skip("only x86-64 has two sets of numbers")
    assert await errors(folder, (0x4000_0000 + 39,)) == [errno.ENOSYS]


@needs_filter
@pytest.mark.usefixtures("boxed")
async def test_what_development_needs_works(folder: Folder) -> None:
    done = await folder.run(
        "/usr/bin/python3 -c 'import threading, subprocess, socket, tempfile, os;"
        'subprocess.run(["true"], check=True);'
        "t = threading.Thread(target=print, args=(1,)); t.start(); t.join();"
        'a, b = socket.socketpair(); s = socket.socket(); s.bind(("127.0.0.1", 0));'
        "print(os.cpu_count() > 0)'; git init -q sub; git -C sub status --short; echo $?"
    )
    assert done.output.split() == ["1", "True", "0"], done.output


def test_both_filters_name_the_same_machines() -> None:
    assert seccomp_alone.CALLS.keys() == seccomp.MACHINES.keys()
    assert len(seccomp_alone.filter_alone(is_root=True)) // 8 <= 4096


@pytest.mark.parametrize("machine", sorted(HEADERS))
def test_the_numbers_are_the_kernels_own(machine: str) -> None:
    if not HEADERS[machine].exists():
        pytest.skip("the kernel's headers are not installed")
    named = re.compile(r"#define __NR(?:3264)?_(\w+) (\d+)")
    known = {name: int(number) for name, number in named.findall(HEADERS[machine].read_text())}
    calls = {**seccomp.MACHINES[machine].calls, **seccomp_alone.CALLS[machine]}
    assert {name: known[name] for name in calls if name in known} == {
        name: number for name, number in calls.items() if name in known
    }
    assert len(calls.keys() & known.keys()) > 40


@pytest.mark.parametrize("machine", sorted(seccomp.MACHINES))
def test_a_filter_is_within_the_kernels_bound(machine: str) -> None:
    whole = seccomp.program(seccomp.MACHINES[machine])
    assert len(whole) % 8 == 0
    assert len(whole) // 8 <= 4096


@needs_filter
def test_each_box_has_a_filter_of_its_own() -> None:
    first, second = seccomp.open_filter(), seccomp.open_filter()
    try:
        whole = os.read(first, 100_000)
        assert os.read(second, 100_000) == whole
        assert whole == seccomp.program(seccomp.MACHINES[platform.machine()])
    finally:
        os.close(first)
        os.close(second)
