"""What other modules may call."""

from codelab.workspace.box import Caps
from codelab.workspace.diffs import reveal
from codelab.workspace.egress.networks import read_networks
from codelab.workspace.explorer import FILE_OPERATIONS, Explorer, Saved
from codelab.workspace.folder import Folder
from codelab.workspace.names import clean
from codelab.workspace.record import WorkspaceRecord
from codelab.workspace.rules import Audience
from codelab.workspace.service import Workspaces
from codelab.workspace.settings import WorkspaceSettings
from codelab.workspace.standing import Standing

__all__ = [
    "FILE_OPERATIONS",
    "Audience",
    "Caps",
    "Explorer",
    "Folder",
    "Saved",
    "Standing",
    "WorkspaceRecord",
    "WorkspaceSettings",
    "Workspaces",
    "clean",
    "read_networks",
    "reveal",
]
