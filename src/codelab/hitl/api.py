"""What other modules may call."""

from codelab.hitl.approval import ApprovalRecord
from codelab.hitl.asking import (
    Allowed,
    Denied,
    EditedCall,
    Pending,
    Redigest,
    Review,
    ReviewRequest,
)
from codelab.hitl.figures import answers
from codelab.hitl.policy import Decision, Rule, Subject
from codelab.hitl.policy_file import read_rules
from codelab.hitl.rulebook import Rulebook
from codelab.hitl.service import POLICY, Hitl
from codelab.hitl.settings import HitlSettings

__all__ = [
    "POLICY",
    "Allowed",
    "ApprovalRecord",
    "Decision",
    "Denied",
    "EditedCall",
    "Hitl",
    "HitlSettings",
    "Pending",
    "Redigest",
    "Review",
    "ReviewRequest",
    "Rule",
    "Rulebook",
    "Subject",
    "answers",
    "read_rules",
]
