"""What the module is told when it is built."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from codelab.workspace.checkpoints.keeping import Keeping
from codelab.workspace.egress.networks import Networks
from codelab.workspace.sandbox.box import Caps


class WorkspaceSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of workspaces.

    Args:
        data_dir: Where CodeLab keeps its own data; never part of a workspace.
        roots: The folders beneath which users may choose their workspaces.
        hidden_paths: Further files and folders that no command may see, such as settings.
        allowed_hidden: Hidden files that agents may use, as gitignore patterns.
        sandbox: How commands are kept in a box; `none` switches them off.
        guarded: Paths in workspaces that commands may not change, besides those known to CodeLab.
        extra_read_only: Folders that commands may read besides the system's programs.
        caps: The bounds of one command.
        commands_at_once: How many commands run at the same time; further ones wait.
        file_operations_per_hour: How many files a user, their agents included, may touch.
        networks: What commands and git may reach.
        checkpoints_dir: Where earlier states are kept; none: in the data folder.
        keeping: How much is kept of them.
    """

    data_dir: Path
    roots: tuple[Path, ...] = ()
    hidden_paths: tuple[Path, ...] = ()
    allowed_hidden: tuple[str, ...] = ()
    sandbox: Literal["auto", "bwrap", "landlock", "none"] = "auto"
    guarded: tuple[str, ...] = ()
    extra_read_only: tuple[Path, ...] = ()
    caps: Caps = Caps()
    commands_at_once: int = 8
    file_operations_per_hour: int = 1000
    networks: Networks = Networks()
    checkpoints_dir: Path | None = None
    keeping: Keeping = Keeping()
