"""The module's HTTP routes."""

from codelab.llm.routes.rest import router

__all__ = ["router"]
