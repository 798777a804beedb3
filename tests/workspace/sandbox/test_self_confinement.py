"""A process that confines itself, and what it can still do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_PROGRAM = """
import os, socket, sys, threading
from codelab.workspace.api import confine_itself

allowed, other = sys.argv[1:]
before = open(other + "/before", "a")
print(confine_itself(allowed))

def attempt(what):
    try:
        what()
    except OSError as error:
        print(type(error).__name__)
    else:
        print("done")

attempt(lambda: print(open(other + "/secret").read()))
attempt(lambda: open(allowed + "/new", "w").write("x"))
attempt(lambda: os.rename(allowed + "/new", allowed + "/newer"))
attempt(lambda: before.write("x"))
attempt(lambda: open(other + "/new", "w"))
attempt(lambda: os.rename(allowed + "/newer", other + "/newer"))
attempt(lambda: os.unlink(other + "/secret"))
attempt(lambda: socket.socket())
attempt(lambda: socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
attempt(lambda: os.execv("/bin/true", ["true"]))
attempt(lambda: os.kill(os.getppid(), 0))
threading.Thread(target=attempt, args=[lambda: open(other + "/new", "w")]).start()
"""


def test_it_writes_in_one_folder_and_reaches_nobody(tmp_path: Path) -> None:
    allowed, other = tmp_path / "allowed", tmp_path / "other"
    allowed.mkdir()
    other.mkdir()
    (other / "secret").write_text("read", "utf-8")
    words = [sys.executable, "-c", _PROGRAM, str(allowed), str(other)]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=30)
    confined, *rest = done.stdout.split()
    if confined == "False":
        pytest.skip("this kernel confines no process by Landlock")
    assert rest[:5] == ["read", "done", "done", "done", "done"]
    assert rest[5:] == [
        *("PermissionError", "PermissionError", "PermissionError"),
        *("OSError", "OSError", "PermissionError", "PermissionError", "PermissionError"),
    ]
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == [
        *("before", "newer", "secret"),
    ]
