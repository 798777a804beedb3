"""The pages behind the setup link."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from litestar import MediaType, Request, Response, Router, get, post
from litestar.datastructures import FormMultiDict
from litestar.di import NamedDependency, Provide
from litestar.params import QueryParameter

from codelab.auth.access import PUBLIC
from codelab.auth.errors import SetupClosed, SetupTokenInvalid
from codelab.auth.routes.authentication import address_of
from codelab.auth.service import Auth
from codelab.auth.setup_page import (
    HEADERS,
    Language,
    choose_language,
    done_page,
    form_page,
    problem_page,
)
from codelab.kit.errors import CodeLabError, InvalidInput
from codelab.kit.invocation import spelled

AnyRequest = Request[Any, Any, Any]
AuthService = NamedDependency[Auth]
Page = Response[str]
OtherPage = Callable[[], Awaitable[Response[bytes] | None]]

_LARGEST_BODY = 32 * 1024


@get("/setup", opt=PUBLIC, include_in_schema=False)
async def show_setup(
    request: AnyRequest,
    auth: AuthService,
    interface: NamedDependency[OtherPage],
    token: Annotated[str, QueryParameter(max_length=256)] = "",
) -> Response[Any]:
    """Open the interface, which reads the token; without one show a form that needs no scripts."""
    if page := await interface():
        return page
    language = _language(request)
    try:
        await auth.check_setup_token(token)
    except (SetupClosed, SetupTokenInvalid) as error:
        return _refused(language, error)
    return _page(form_page(language, token), 200)


@post("/setup", opt=PUBLIC, include_in_schema=False)
async def submit_setup(request: AnyRequest, auth: AuthService) -> Page:
    """Make the first administrator, or show the form again with what was wrong."""
    language = _language(request)
    form = await request.form()
    token, name, password = (_text(form, key) for key in ("token", "username", "password"))
    if password != _text(form, "again"):
        return _page(form_page(language, token, name=name, problem="again"), 422)
    address = address_of(request, auth)
    try:
        await auth.create_first_administrator(token, name, password, address=address)
    except (SetupClosed, SetupTokenInvalid) as error:
        return _refused(language, error)
    except InvalidInput as error:
        page = form_page(language, token, name=name, problem=error.field or "")
        return _page(page, error.status)
    return _page(done_page(language, spelled("chat", _reached_at(request))), 200)


def setup_pages(auth: Auth, interface: OtherPage) -> Router:
    """Make the setup pages, to be mounted at the root.

    Args:
        auth: Makes the first administrator.
        interface: Answers with the browser interface instead, where there is one.
    """
    return Router(
        path="/",
        route_handlers=[show_setup, submit_setup],
        dependencies={
            "auth": Provide(lambda: auth, sync_to_thread=False),
            "interface": Provide(lambda: interface, sync_to_thread=False),
        },
        request_max_body_size=_LARGEST_BODY,
    )


def _reached_at(request: AnyRequest) -> str:
    url = request.base_url
    # Only shown to whoever sent it, so that no proxy needs to be trusted for it.
    secure = request.headers.get("x-forwarded-proto") == "https"
    return f"{'https' if secure else url.scheme}://{url.netloc}"


def _language(request: AnyRequest) -> Language:
    return choose_language(request.headers.get("accept-language", ""))


def _text(form: FormMultiDict, key: str) -> str:
    value = form.get(key, "")
    return value if isinstance(value, str) else ""


def _refused(language: Language, error: CodeLabError) -> Page:
    return _page(problem_page(language, error.code), error.status)


def _page(content: str, status: int) -> Page:
    return Response(content, status_code=status, media_type=MediaType.HTML, headers=HEADERS)
