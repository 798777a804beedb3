"""Starts one command under Landlock, waits for it, ends all that it left and puts settings back.

This process stays outside of the confinement: nothing in it can signal, trace or read this one.
"""

from __future__ import annotations

import binascii
import os
import resource
import select
import sys
from typing import TypedDict

from codelab.workspace.sandbox.confinement import kernel, tree
from codelab.workspace.sandbox.confinement.keeping import Kept, TooMuchToKeep

_READY = b"\n"
_REAPED_EVERY_MS = 200
_NOT_FOUND = 127
_CUT = 128
_END_WITHIN_S = 0.5


class Job(TypedDict):
    """What to start and under which confinement.

    Args:
        user: A user's and a group's number to become first; empty: stay who it is.
        root: The workspace.
        scratch: A folder that is made for the command and removed after it.
        rules: Paths and the rights to them, in Landlock's bits.
        limits: Resources and their bounds.
        processes: How many processes and threads there may be besides those that its user has.
        filter: The filter of system calls.
        kept: Places in the workspace that are put back.
        mark: Ends the names of what is set aside.
        terminal: The terminal at which the command runs; empty: at none.
        command: The program and its arguments.
    """

    user: tuple[int, ...]
    root: str
    scratch: str
    rules: list[tuple[str, int]]
    limits: list[tuple[int, int]]
    processes: int
    filter: bytes
    kept: list[str]
    mark: str
    terminal: str
    command: list[str]


def pack(job: Job) -> list[str]:
    """Write a job as words of a command line."""
    rules = [word for path, rights in job["rules"] for word in (path, str(rights))]
    limits = [str(number) for limit in job["limits"] for number in limit]
    return [
        *(":".join(map(str, job["user"])), str(job["processes"])),
        *(job["root"], job["scratch"], job["mark"], binascii.hexlify(job["filter"]).decode()),
        job["terminal"],
        *(str(len(job["rules"])), *rules, str(len(job["limits"])), *limits),
        *(str(len(job["kept"])), *job["kept"], *job["command"]),
    ]


def unpack(words: list[str]) -> Job:
    """Read what `pack` wrote."""
    rest = iter(words)
    user = tuple(int(one) for one in next(rest).split(":") if one)
    processes = int(next(rest))
    root, scratch, mark, steps, terminal = (next(rest) for _ in range(5))
    rules = [(next(rest), int(next(rest))) for _ in range(int(next(rest)))]
    limits = [(int(next(rest)), int(next(rest))) for _ in range(int(next(rest)))]
    kept = [next(rest) for _ in range(int(next(rest)))]
    return Job(
        user=user,
        root=root,
        scratch=scratch,
        rules=rules,
        limits=limits,
        processes=processes,
        filter=binascii.unhexlify(steps),
        kept=kept,
        mark=mark,
        terminal=terminal,
        command=list(rest),
    )


def main() -> None:
    """Run the job that the command line names."""
    job = unpack(sys.argv[1:])
    terminal = -1
    try:
        if job["terminal"]:
            terminal = os.open(job["terminal"], os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        if job["user"]:
            uid, gid = job["user"]
            os.setgroups([])
            os.setresgid(gid, gid, gid)
            os.setresuid(uid, uid, uid)
        root = os.open(job["root"], os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        kept = Kept(root, job["kept"])
        _make(job["scratch"])
        kernel.adopt_orphans()
    except TooMuchToKeep as error:
        _fail(f"{error} holds more than can be put back after a command")
    except OSError as error:
        _fail(f"{error.filename or 'the kernel'}: {error.strerror}")
    child = os.fork()
    if not child:
        _become(job, terminal)
    code = _wait(child)
    ended = tree.kill_descendants(os.getpid(), _END_WITHIN_S)
    # In any case: otherwise it would do to take long to end.
    _say(_put_back(kept, job["mark"]))
    _say("" if ended else "[some processes could not be ended]")
    _remove(job["scratch"])
    os._exit(code)


def _make(scratch: str) -> None:
    # Only a folder that is new is private.
    parent, _, name = scratch.rpartition("/")
    folder = os.open(parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    os.mkdir(name, 0o700, dir_fd=folder)
    os.close(folder)


def _become(job: Job, terminal: int) -> None:
    try:
        most = job["processes"] + tree.tasks_of(os.getuid())
        for kind, bound in [*job["limits"], (resource.RLIMIT_NPROC, most)]:
            hard = resource.getrlimit(kind)[1]
            most = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
            resource.setrlimit(kind, (most, most))
        os.chdir(job["root"])
        kernel.give_up_privileges()
        kernel.confine_files([*job["rules"], (job["scratch"], kernel.READ | kernel.CHANGE)])
        os.write(1, _READY)
        if not os.read(0, 1):
            os._exit(1)
        if terminal < 0:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        else:
            os.login_tty(terminal)
        kernel.install_filter(job["filter"])
    except OSError as error:
        _fail(error.strerror)
    command = job["command"]
    try:
        os.execvp(command[0], command)
    except OSError as error:
        _say(f"{command[0]}: {error.strerror}")
        os._exit(_NOT_FOUND)


def _wait(child: int) -> int:
    """Wait for the command, or for the end of the server, and return the exit code."""
    code = -1
    watched = select.poll()
    watched.register(0, select.POLLHUP)
    watched.register(os.pidfd_open(child), select.POLLIN)
    while code < 0:
        if any(event & select.POLLHUP for _, event in watched.poll(_REAPED_EVERY_MS)):
            tree.kill_descendants(os.getpid())
        # Orphans come here as well, and stay until somebody takes note of their end.
        try:
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                if ended[0] == child:
                    code = os.waitstatus_to_exitcode(ended[1]) % (2 * _CUT)
        except ChildProcessError:
            break
    return code


def _put_back(kept: Kept, mark: str) -> str:
    try:
        changed = kept.put_back(mark)
    except OSError as error:
        return f"[some settings could not be put back: {error.strerror}]"
    if not changed:
        return ""
    return f"[put back, and what the command left is beside it as *{mark}: {', '.join(changed)}]"


def _remove(scratch: str) -> None:
    for words in (("rm", "-rf"), ("chmod", "-R", "u+rwX"), ("rm", "-rf")):
        if not os.path.lexists(scratch):
            return
        command = [*words, "--", scratch]
        null = (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)
        process = os.posix_spawnp(command[0], command, os.environ, file_actions=[null])
        os.waitpid(process, 0)


def _say(text: str) -> None:
    try:
        if text:
            os.write(1, f"\n{text}\n".encode(errors="replace"))
    except BrokenPipeError:
        # The server is gone; what is left to do is done all the same.
        return


def _fail(reason: str | None) -> None:
    os.write(1, f"Landlock: {reason}\n".encode(errors="replace"))
    os._exit(1)
