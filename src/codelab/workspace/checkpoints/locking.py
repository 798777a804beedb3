"""One folder, several processes: whoever holds the lock has it to himself."""

from __future__ import annotations

import asyncio
import fcntl
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from codelab.workspace.errors import CheckpointFailed

_LONGEST_S = 30.0
_PAUSE_S = 0.005


@asynccontextmanager
async def locked(file: Path) -> AsyncIterator[None]:
    """Hold a lock that ends with the process at the latest, whatever happens to it.

    Raises:
        CheckpointFailed: Somebody else held it for too long.
        OSError: The file cannot be made.
    """
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        until = time.monotonic() + _LONGEST_S
        while not _try(descriptor):
            if time.monotonic() > until:
                raise CheckpointFailed("The project's earlier states are in use by somebody else.")
            await asyncio.sleep(_PAUSE_S)
        yield
    finally:
        os.close(descriptor)


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
