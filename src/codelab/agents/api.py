"""What other modules may call: the agents there are, and the runner's start and end."""

from codelab.agents.compactions import Compaction, Compactions
from codelab.agents.edits import prepare_edited
from codelab.agents.live import Services
from codelab.agents.registry import AgentRegistry
from codelab.agents.service import AgentInfo, Agents

__all__ = [
    "AgentInfo",
    "AgentRegistry",
    "Agents",
    "Compaction",
    "Compactions",
    "Services",
    "prepare_edited",
]
