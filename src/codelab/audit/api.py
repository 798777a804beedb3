"""What other modules may call."""

from codelab.audit.chain import Head, Progress
from codelab.audit.entry import AuditEntry, ChainedEntry, Observation
from codelab.audit.repository import AuditFilter
from codelab.audit.service import Audit
from codelab.audit.verification import attest, verify

__all__ = [
    "Audit",
    "AuditEntry",
    "AuditFilter",
    "ChainedEntry",
    "Head",
    "Observation",
    "Progress",
    "attest",
    "verify",
]
