"""What other modules may call: the agents there are, and the runner's start and end."""

from codelab.agents.checkpoints.checkpoints import Checkpoints
from codelab.agents.checkpoints.keeping import Keeper
from codelab.agents.checkpoints.restoring import Checkpoint, CheckpointPreview, Restored
from codelab.agents.checkpoints.upkeep import CheckpointUpkeep
from codelab.agents.compaction.compactions import Compaction, Compactions
from codelab.agents.edits import prepare_edited
from codelab.agents.live import Services
from codelab.agents.registry import AgentRegistry
from codelab.agents.reviewing import ReviewedFile, Reviews
from codelab.agents.service import AgentInfo, Agents

__all__ = [
    "AgentInfo",
    "AgentRegistry",
    "Agents",
    "Checkpoint",
    "CheckpointPreview",
    "CheckpointUpkeep",
    "Checkpoints",
    "Compaction",
    "Compactions",
    "Keeper",
    "Restored",
    "ReviewedFile",
    "Reviews",
    "Services",
    "prepare_edited",
]
