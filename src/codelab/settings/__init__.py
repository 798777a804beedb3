"""All settings of the server."""

from codelab.settings.loading import (
    PREFIX,
    SECTIONS,
    Settings,
    internal_secret,
    load,
    secret_keys,
)
from codelab.settings.sections import Secrets, Stores

__all__ = [
    "PREFIX",
    "SECTIONS",
    "Secrets",
    "Settings",
    "Stores",
    "internal_secret",
    "load",
    "secret_keys",
]
