"""What a plugin's author needs to test tools and agents in a second, without a server.

The fixtures come with pytest by themselves; this package is never imported by CodeLab itself.
"""

from codelab.sdk.testing.contract import ContractBroken, check_agent, check_tool
from codelab.sdk.testing.conversation import Conversation, Exchange, converse
from codelab.sdk.testing.folder_workspace import FolderWorkspace
from codelab.sdk.testing.scripted_model import ScriptedModel, ScriptEnded, call, say
from codelab.sdk.testing.tool_runner import (
    ArgumentsInvalid,
    NotApproved,
    NotGranted,
    PreparedCall,
    PreviewOutdated,
    ToolRunner,
)

__all__ = [
    "ArgumentsInvalid",
    "ContractBroken",
    "Conversation",
    "Exchange",
    "FolderWorkspace",
    "NotApproved",
    "NotGranted",
    "PreparedCall",
    "PreviewOutdated",
    "ScriptEnded",
    "ScriptedModel",
    "ToolRunner",
    "call",
    "check_agent",
    "check_tool",
    "converse",
    "say",
]
