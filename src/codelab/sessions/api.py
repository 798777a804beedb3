"""What other modules may call: sessions for edges, turns for whoever carries them forward."""

from codelab.sessions.attachments import written_out
from codelab.sessions.conversation import Earlier, Said
from codelab.sessions.figures import SessionFigures, session_figures
from codelab.sessions.lease import Lease
from codelab.sessions.repository import FeedbackRecord, SessionRecord
from codelab.sessions.rewinding import in_force_of
from codelab.sessions.service import Sessions, TurnRef
from codelab.sessions.turn import Task, TurnState, replay
from codelab.sessions.turns import Turns

__all__ = [
    "Earlier",
    "FeedbackRecord",
    "Lease",
    "Said",
    "SessionFigures",
    "SessionRecord",
    "Sessions",
    "Task",
    "TurnRef",
    "TurnState",
    "Turns",
    "in_force_of",
    "replay",
    "session_figures",
    "written_out",
]
