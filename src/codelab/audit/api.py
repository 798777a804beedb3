"""What other modules may call."""

from codelab.audit.entry import AuditEntry, Observation
from codelab.audit.repository import AuditFilter
from codelab.audit.service import Audit

__all__ = ["Audit", "AuditEntry", "AuditFilter", "Observation"]
