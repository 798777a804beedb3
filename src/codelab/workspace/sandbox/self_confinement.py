"""Confines the process itself that takes apart what strangers have written."""

from __future__ import annotations

import os

from codelab.workspace.sandbox import seccomp
from codelab.workspace.sandbox.confinement import kernel
from codelab.workspace.sandbox.seccomp_alone import filter_alone

_LOOK = kernel.READ & ~kernel.EXECUTE
_CHANGE = kernel.CHANGE & ~kernel.EXECUTE


def can_confine_itself() -> bool:
    """Tell whether this system keeps to what `confine_itself` asks for."""
    return seccomp.available() and kernel.landlock_version() >= kernel.NEEDED


def confine_itself(folder: str) -> bool:
    """Let this process change files beneath one folder only, start nothing and reach nobody.

    It may read on what its user may read, and use what it has opened before. What it needs is
    asked for before its first thread begins, since each thread is confined by itself.

    Args:
        folder: It must be there.

    Returns:
        Whether this system does so; where not, nothing has changed but that no privileges can be
        won any more.
    """
    if not can_confine_itself():
        return False
    try:
        kernel.refuse_new_privileges()
        kernel.confine_files([("/", _LOOK), (folder, _CHANGE)])
        kernel.install_filter(filter_alone(is_root=os.geteuid() == 0))
    except OSError:
        return False
    return True
