"""Who may open terminals here; pure."""

from __future__ import annotations

from typing import Literal

from codelab.auth.api import Principal

TerminalSetting = Literal["on", "admins", "off"]


def why_not(setting: TerminalSetting, principal: Principal) -> str:
    """Say why somebody may have no terminal; empty: they may."""
    if setting == "off":
        return "The administrator switched terminals off (CODELAB_TERMINAL)."
    if setting == "admins" and not principal.is_admin:
        return "Only administrators may open terminals here (CODELAB_TERMINAL)."
    return ""
