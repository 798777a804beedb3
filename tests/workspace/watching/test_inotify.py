"""The kernel's notices."""

from __future__ import annotations

import os
import resource
from contextlib import ExitStack
from pathlib import Path

from codelab.workspace.watching.inotify import Inotify

MANY = 1100


def test_notices_come_however_much_the_process_has_open(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with ExitStack() as stack:
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2 * MANY), hard))
        for _ in range(MANY):
            stack.callback(os.close, os.open(os.devnull, os.O_RDONLY))
        notices = Inotify()
        stack.callback(notices.close)
        folder = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
        stack.callback(os.close, folder)
        watch = notices.add(folder)
        assert not notices.wait(0)
        (tmp_path / "new").mkdir()
        assert notices.wait(5)
        assert [(one.watch, one.name) for one in notices.read()] == [(watch, "new")]
        notices.wake()
        assert not notices.wait(None)
