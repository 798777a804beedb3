"""What other modules may call."""

from codelab.auth.access import PUBLIC, admins_only, bearer_token
from codelab.auth.addresses import client_address, parse_networks
from codelab.auth.api_tokens import MOST_DAYS, ApiTokens, NewApiToken
from codelab.auth.identity import ApiToken, Principal, Role, TokenPair, User
from codelab.auth.service import Auth
from codelab.auth.settings import AuthSettings

__all__ = [
    "MOST_DAYS",
    "PUBLIC",
    "ApiToken",
    "ApiTokens",
    "Auth",
    "AuthSettings",
    "NewApiToken",
    "Principal",
    "Role",
    "TokenPair",
    "User",
    "admins_only",
    "bearer_token",
    "client_address",
    "parse_networks",
]
