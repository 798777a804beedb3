"""What other modules may call."""

from codelab.workspace.checkpoints.keeping import Keeping
from codelab.workspace.checkpoints.plan import (
    Conflict,
    FileChange,
    FileState,
    Restoration,
    Step,
    paths_of,
    plan,
)
from codelab.workspace.checkpoints.pruning import Pruner
from codelab.workspace.checkpoints.selection import LARGEST_KEPT, missing_folders, real_paths
from codelab.workspace.checkpoints.store import Snapshot, SnapshotStore, name_of
from codelab.workspace.checkpoints.undoing import FileDiff
from codelab.workspace.children import can_be_asked_for
from codelab.workspace.diffs import reveal, unified
from codelab.workspace.egress.networks import read_networks
from codelab.workspace.entrance import FILE_OPERATIONS
from codelab.workspace.explorer import Explorer, Saved
from codelab.workspace.folder import Folder
from codelab.workspace.leftovers import is_temporary
from codelab.workspace.names import clean
from codelab.workspace.paths import opened_folder, opened_root, real_path
from codelab.workspace.record import WorkspaceRecord
from codelab.workspace.rules import IGNORE_FILES, Audience, Rules
from codelab.workspace.sandbox.box import Caps
from codelab.workspace.sandbox.self_confinement import can_confine_itself, confine_itself
from codelab.workspace.sandbox.standing import Standing
from codelab.workspace.service import Workspaces
from codelab.workspace.settings import WorkspaceSettings
from codelab.workspace.terminals.permission import TerminalSetting
from codelab.workspace.terminals.pseudo_terminal import Size
from codelab.workspace.terminals.service import TerminalLimits, Terminals
from codelab.workspace.terminals.terminal import WINDOW, Ending, Terminal, View
from codelab.workspace.text import decode, digest_of, encoding_of
from codelab.workspace.vcs.service import VersionControl
from codelab.workspace.watching.sharing import Watch
from codelab.workspace.watching.watcher import FileChanges

__all__ = [
    "FILE_OPERATIONS",
    "IGNORE_FILES",
    "LARGEST_KEPT",
    "WINDOW",
    "Audience",
    "Caps",
    "Conflict",
    "Ending",
    "Explorer",
    "FileChange",
    "FileChanges",
    "FileDiff",
    "FileState",
    "Folder",
    "Keeping",
    "Pruner",
    "Restoration",
    "Rules",
    "Saved",
    "Size",
    "Snapshot",
    "SnapshotStore",
    "Standing",
    "Step",
    "Terminal",
    "TerminalLimits",
    "TerminalSetting",
    "Terminals",
    "VersionControl",
    "View",
    "Watch",
    "WorkspaceRecord",
    "WorkspaceSettings",
    "Workspaces",
    "can_be_asked_for",
    "can_confine_itself",
    "clean",
    "confine_itself",
    "decode",
    "digest_of",
    "encoding_of",
    "is_temporary",
    "missing_folders",
    "name_of",
    "opened_folder",
    "opened_root",
    "paths_of",
    "plan",
    "read_networks",
    "real_path",
    "real_paths",
    "reveal",
    "unified",
]
