"""Sign-in, one's own account, and the administration of users."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, Router, delete, get, patch, post, put
from litestar.datastructures import CacheControlHeader
from litestar.di import NamedDependency, Provide
from litestar.params import JSONBody, PathParameter, QueryParameter

from codelab.auth.access import PUBLIC, admins_only, bearer_token
from codelab.auth.api_tokens import NewApiToken
from codelab.auth.errors import Unauthenticated
from codelab.auth.identity import ApiToken, Principal, TokenPair, User
from codelab.auth.preferences import Preferences
from codelab.auth.routes.authentication import address_of
from codelab.auth.routes.bodies import (
    Credentials,
    Farewell,
    FirstAdministrator,
    Me,
    NewUser,
    PasswordChange,
    RefreshToken,
    SignOut,
    Ticket,
    TokenWanted,
    UserChange,
)
from codelab.auth.service import Auth
from codelab.kit.errors import InvalidInput

AnyRequest = Request[Any, Any, Any]
AuthService = NamedDependency[Auth]
OwnRequest = Request[Principal, Any, Any]
PageSize = Annotated[int, QueryParameter(ge=1, le=1000)]
Cursor = Annotated[str, QueryParameter(max_length=32)]
UserId = Annotated[str, PathParameter(max_length=32)]
TokenId = Annotated[str, PathParameter(max_length=32)]

_LARGEST_BODY = 32 * 1024


@post("/auth/login", status_code=200, opt=PUBLIC)
async def login(data: JSONBody[Credentials], request: AnyRequest, auth: AuthService) -> TokenPair:
    """Exchange a user name and a password for tokens."""
    address = address_of(request, auth)
    return await auth.sign_in(data.username, data.password, address=address)


@post("/auth/refresh", status_code=200, opt=PUBLIC)
async def refresh(
    data: JSONBody[RefreshToken], request: AnyRequest, auth: AuthService
) -> TokenPair:
    """Exchange a refresh token for new tokens; each works once."""
    return await auth.refresh(data.refresh_token, address=address_of(request, auth))


@post("/auth/logout", status_code=204, opt=PUBLIC)
async def logout(
    request: AnyRequest, auth: AuthService, data: JSONBody[SignOut | None] = None
) -> None:
    """End the sign-in of the access token, or of the refresh token in the body, or of both."""
    address = address_of(request, auth)
    ended = False
    if data and data.refresh_token:
        ended = await auth.sign_out(data.refresh_token, address=address)
    header = request.headers.get("authorization")
    if header or not ended:
        try:
            principal = await auth.authenticate(bearer_token(header))
        except Unauthenticated:
            if ended:
                return
            raise
        await auth.sign_out(principal, address=address)


@post("/auth/logout-everywhere", status_code=204)
async def logout_everywhere(request: OwnRequest, auth: AuthService) -> None:
    """End all of one's sign-ins; API tokens stay."""
    await auth.sign_out_everywhere(request.user, address=address_of(request, auth))


@post("/auth/setup", opt=PUBLIC)
async def setup(
    data: JSONBody[FirstAdministrator], request: AnyRequest, auth: AuthService
) -> TokenPair:
    """Make the first administrator with the token of the setup link."""
    return await auth.complete_setup(
        data.token, data.username, data.password, address=address_of(request, auth)
    )


@get("/auth/me")
async def me(request: OwnRequest) -> Me:
    """Tell who one is."""
    principal = request.user
    return Me(id=principal.user_id, username=principal.name, role=principal.role)


@get("/auth/administrators")
async def list_administrators(auth: AuthService) -> list[str]:
    """Name some administrators, for users who need one."""
    return await auth.administrators()


@post("/auth/ws-ticket", status_code=200)
async def ws_ticket(request: OwnRequest, auth: AuthService) -> Ticket:
    """Issue a ticket that opens one WebSocket."""
    return Ticket(await auth.issue_ticket(request.user), auth.ticket_ttl_s)


@put("/auth/password")
async def change_password(
    data: JSONBody[PasswordChange], request: OwnRequest, auth: AuthService
) -> TokenPair:
    """Change one's password: sign-ins and API tokens end; the answer holds a new sign-in's."""
    return await auth.change_password(
        request.user,
        data.current_password,
        data.new_password,
        address=address_of(request, auth),
    )


@delete("/users/me")
async def delete_me(data: JSONBody[Farewell], request: OwnRequest, auth: AuthService) -> None:
    """Delete one's account and all that belongs to it."""
    await auth.delete_user(request.user, data.password, address=address_of(request, auth))


@get("/users/me/preferences")
async def read_preferences(request: OwnRequest, auth: AuthService) -> Preferences:
    """Read how one likes the interface."""
    return await auth.preferences.of(request.user.user_id)


@put("/users/me/preferences")
async def keep_preferences(
    data: JSONBody[Preferences], request: OwnRequest, auth: AuthService
) -> Preferences:
    """Keep how one likes the interface, in the place of what was kept before."""
    await auth.preferences.keep(request.user.user_id, data)
    return data


@get("/users/me/tokens")
async def list_tokens(request: OwnRequest, auth: AuthService) -> list[ApiToken]:
    """List one's API tokens."""
    return await auth.api_tokens.list_for(request.user.user_id)


@post("/users/me/tokens")
async def create_token(
    data: JSONBody[TokenWanted], request: OwnRequest, auth: AuthService
) -> NewApiToken:
    """Make an API token for `/v1`; `token` is shown this once and kept as a hash only."""
    user_id = request.user.user_id
    return await auth.api_tokens.create(
        user_id,
        data.name,
        expires_days=data.expires_days,
        by=user_id,
        address=address_of(request, auth),
    )


@delete("/users/me/tokens/{token_id:str}")
async def delete_token(token_id: TokenId, request: OwnRequest, auth: AuthService) -> None:
    """End an API token."""
    user_id = request.user.user_id
    await auth.api_tokens.delete(user_id, token_id, by=user_id, address=address_of(request, auth))


@get("/admin/users", guards=[admins_only])
async def list_users(auth: AuthService, after: Cursor = "", limit: PageSize = 100) -> list[User]:
    """List users in the order of their creation, from behind the id `after` on."""
    return await auth.list_users(after=after, limit=limit)


@post("/admin/users", guards=[admins_only])
async def create_user(data: JSONBody[NewUser], request: OwnRequest, auth: AuthService) -> User:
    """Add a user."""
    return await auth.create_user(
        data.username, data.password, data.role == "admin", by=request.user.user_id
    )


@patch("/admin/users", guards=[admins_only])
async def change_named_user(
    data: JSONBody[UserChange], request: OwnRequest, auth: AuthService
) -> User:
    """Change the user whose `id` the body names."""
    if data.id is None:
        raise InvalidInput("Say whom to change.", field="id")
    return await _change(data.id, data, request, auth)


@patch("/admin/users/{user_id:str}", guards=[admins_only])
async def change_user(
    user_id: UserId, data: JSONBody[UserChange], request: OwnRequest, auth: AuthService
) -> User:
    """Change a user's role or password, or keep the user out."""
    if data.id not in (None, user_id):
        raise InvalidInput("The path names another user.", field="id")
    return await _change(user_id, data, request, auth)


def router(auth: Auth) -> Router:
    """Make the module's routes, to be mounted under the API's path."""
    return Router(
        path="/",
        route_handlers=[
            login,
            refresh,
            logout,
            logout_everywhere,
            setup,
            me,
            list_administrators,
            ws_ticket,
            change_password,
            delete_me,
            read_preferences,
            keep_preferences,
            list_tokens,
            create_token,
            delete_token,
            list_users,
            create_user,
            change_named_user,
            change_user,
        ],
        dependencies={"auth": Provide(lambda: auth, sync_to_thread=False)},
        request_max_body_size=_LARGEST_BODY,
        cache_control=CacheControlHeader(no_store=True),
        tags=["identity"],
    )


async def _change(user_id: str, data: UserChange, request: OwnRequest, auth: Auth) -> User:
    return await auth.update_user(
        user_id,
        role=data.role,
        disabled=data.disabled,
        password=data.password,
        by=request.user.user_id,
    )
