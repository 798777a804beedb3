"""The module's HTTP routes."""

from codelab.auth.routes.authentication import api_authentication, authentication
from codelab.auth.routes.rest import router
from codelab.auth.routes.setup import setup_pages

__all__ = ["api_authentication", "authentication", "router", "setup_pages"]
