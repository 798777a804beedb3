"""The module's HTTP routes."""

from codelab.llm.routes.answering import refuse
from codelab.llm.routes.permission import Permission
from codelab.llm.routes.rest import router
from codelab.llm.routes.v1 import v1_router

__all__ = ["Permission", "refuse", "router", "v1_router"]
