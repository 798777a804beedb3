"""Which layer keeps commands in a box on this machine, and why not a stronger one."""

from __future__ import annotations

import os
import shutil

import msgspec

from codelab.workspace import seccomp
from codelab.workspace.confinement import kernel
from codelab.workspace.layers import Bubblewrap, Landlock, Layer, LayerName
from codelab.workspace.running import first_line
from codelab.workspace.settings import WorkspaceSettings

_NOT_INSTALLED = "bubblewrap is not installed (on Debian and Ubuntu: apt-get install bubblewrap)"
_NO_SETPRIV = "setpriv (of util-linux) is not installed, so that nothing runs as other users"
_ALTERNATIVES = ("/usr/bin/bwrap", "/usr/local/bin/bwrap")


class Standing(msgspec.Struct, frozen=True):
    """Which layer keeps commands in a box here.

    Args:
        layer: Its name; `none` where commands are off.
        reason: Why there is none, or what keeps a stronger form from working.
    """

    layer: LayerName
    reason: str = ""

    def sentence(self) -> str:
        """Say it to an administrator."""
        if self.layer == "none":
            return f"Commands are off because {self.reason}."
        if self.layer == "landlock":
            why = f", because {self.reason}" if self.reason else ""
            return f"Commands run under Landlock, a weaker layer than bubblewrap{why}."
        return f"{self.layer}, as root: {self.reason}" if self.reason else self.layer


def candidates(settings: WorkspaceSettings) -> list[Layer | str]:
    """List the layers to try, strongest first; a string says why one is left out."""
    found: list[Layer | str] = []
    if settings.sandbox == "none":
        return ["the administrator switched them off (CODELAB_SANDBOX)"]
    if settings.sandbox != "landlock":
        program = shutil.which("bwrap") or next(
            (path for path in _ALTERNATIVES if os.access(path, os.X_OK)), ""
        )
        if not program:
            found.append(_NOT_INSTALLED)
        elif os.geteuid() == 0:
            setpriv = shutil.which("setpriv")
            found.append(Bubblewrap(program, setpriv) if setpriv else _NO_SETPRIV)
        if program:
            # Some systems let only root build a box.
            found.append(Bubblewrap(program))
    if settings.sandbox != "bwrap":
        found.append(_landlock())
    return found


def refusal(layer: Layer, text: str) -> str:
    """Say why a layer's first box failed, from what it printed."""
    if layer.name == "landlock":
        return f"this system does not let Landlock confine a program: {first_line(text)}"
    if "Unknown option" in text:
        return "bubblewrap is older than version 0.8"
    return (
        "this system does not let bubblewrap build a box "
        f"(user namespaces may be forbidden): {first_line(text)}"
    )


def root_advice() -> str:
    """Say what a server that runs as root should know; empty for any other."""
    if os.geteuid() != 0:
        return ""
    return (
        "The server runs as root, which docs/security.md advises against: commands run as the "
        "owner of their workspace's folder where that works, and else as root without privileges."
    )


def _landlock() -> Landlock | str:
    version = kernel.landlock_version() if seccomp.available() else 0
    if version >= kernel.NEEDED:
        return Landlock()
    has = f"has version {version}" if version else "has none"
    return f"this kernel {has} of Landlock, and version {kernel.NEEDED} (Linux 6.12) is needed"
