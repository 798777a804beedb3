"""The module's HTTP routes."""

from codelab.auth.routes.authentication import authentication
from codelab.auth.routes.rest import router
from codelab.auth.routes.setup import setup_pages

__all__ = ["authentication", "router", "setup_pages"]
