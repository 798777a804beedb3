"""Renaming in one step, without ever replacing anything; blocking."""

from __future__ import annotations

import ctypes
import errno
import functools
import os
from collections.abc import Callable

NOREPLACE = 1
EXCHANGE = 2


def renamed(folder: int, old: str, new: str, flag: int, *, into: int | None = None) -> bool:
    """Rename without ever replacing; false where the system has no such call.

    Args:
        folder: The folder that the old name lies in.
        old: The name.
        new: The new one.
        flag: One of the two above.
        into: The folder that the new name will lie in, if it is another one.
    """
    call = _renameat2()
    if call is None:
        return False
    if (
        call(folder, os.fsencode(old), folder if into is None else into, os.fsencode(new), flag)
        == 0
    ):
        return True
    number = ctypes.get_errno()
    if number in (errno.ENOSYS, errno.EINVAL):
        return False
    raise OSError(number, os.strerror(number), new)


@functools.cache
def _renameat2() -> Callable[..., int] | None:
    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if call is not None:
        descriptor, name = ctypes.c_int, ctypes.c_char_p
        call.argtypes = (descriptor, name, descriptor, name, ctypes.c_uint)
    return call
