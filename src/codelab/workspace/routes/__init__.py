"""The module's HTTP routes."""

from codelab.workspace.routes.rest import router

__all__ = ["router"]
