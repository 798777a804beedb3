"""What can be wrong with the audit log."""

from __future__ import annotations

from codelab.kit.errors import CodeLabError


class ChainBroken(CodeLabError):
    """An entry was changed, removed or put in by somebody who has the database but not the key."""

    code = "audit_chain_broken"
    title = "The audit log was changed"
