"""The errors that a workspace raises and that a plugin may want to catch."""

from codelab.kit.errors import CodeLabError, Forbidden, NotFound

__all__ = ["CodeLabError", "Forbidden", "NotFound"]
