from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from litestar import Litestar, Request, Response, Router, WebSocket, get, websocket
from litestar.exceptions import ValidationException
from litestar.testing import TestClient

from codelab.auth.api import PUBLIC, Auth, TokenPair, admins_only
from codelab.auth.routes import authentication, router, setup_pages
from codelab.kit.errors import CodeLabError
from tests.auth.conftest import Replica
from tests.support.http import Client, client_of

GOOD = "correct horse"
BETTER = "battery staple"

FOR_ADMINS = [
    ("GET", "/admin/users"),
    ("POST", "/admin/users"),
    ("PATCH", "/admin/users"),
    ("PATCH", "/admin/users/1"),
    ("GET", "/admins"),
]
PROTECTED = [
    ("GET", "/auth/me"),
    ("GET", "/auth/administrators"),
    ("POST", "/auth/logout"),
    ("POST", "/auth/logout-everywhere"),
    ("GET", "/users/me/preferences"),
    ("PUT", "/users/me/preferences"),
    ("POST", "/auth/ws-ticket"),
    ("PUT", "/auth/password"),
    ("DELETE", "/users/me"),
    ("GET", "/users/me/tokens"),
    ("POST", "/users/me/tokens"),
    ("DELETE", "/users/me/tokens/1"),
    ("GET", "/echo"),
    *FOR_ADMINS,
]

AnyRequest = Request[Any, Any, Any]


@get("/echo")
async def echo(request: AnyRequest) -> str:
    return str(request.user.name)


@get("/open", opt=PUBLIC)
async def open_to_all() -> str:
    return "open"


@get("/admins", guards=[admins_only])
async def for_admins() -> str:
    return "hello"


@websocket("/socket")
async def socket(socket: WebSocket[Any, Any, Any]) -> None:
    await socket.accept()
    await socket.send_text("nobody asked")
    await socket.close()


def problem(request: AnyRequest, error: CodeLabError) -> Response[dict[str, Any]]:
    """Stands in for the gateway, which writes problem details."""
    headers = dict(getattr(error, "headers", {}))
    if error.retry_after_s:
        headers["Retry-After"] = str(round(error.retry_after_s))
    content = {"code": error.code, "field": error.field, "detail": error.message}
    return Response(content, status_code=error.status, headers=headers)


def invalid(request: AnyRequest, error: ValidationException) -> Response[dict[str, str]]:
    return Response({"code": "invalid_input"}, status_code=422)


def application(auth: Auth, interface: Response[bytes] | None = None) -> Litestar:
    async def page() -> Response[bytes] | None:
        return interface

    api = Router(
        path="/api/v1",
        route_handlers=[router(auth), echo, open_to_all, for_admins, socket],
        middleware=[authentication(auth)],
    )
    return Litestar(
        [api, setup_pages(auth, page)],
        exception_handlers={CodeLabError: problem, ValidationException: invalid},
    )


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """The routes are the same on every database, so one kind is enough here."""
    return sqlite_url


@pytest.fixture
async def client(auth: Auth) -> AsyncIterator[Client]:
    """A client of an application that consists of this module."""
    async with client_of(application(auth)) as client:
        yield client


def bearer(pair: TokenPair) -> dict[str, str]:
    return {"Authorization": f"Bearer {pair.access_token}"}


@pytest.fixture
async def anna(auth: Auth) -> dict[str, str]:
    """The headers of a user."""
    await auth.create_user("anna", GOOD)
    return bearer(await auth.sign_in("anna", GOOD))


@pytest.fixture
async def root(auth: Auth) -> dict[str, str]:
    """The headers of an administrator."""
    await auth.create_user("root", GOOD, admin=True)
    return bearer(await auth.sign_in("root", GOOD))


async def test_a_sign_in_from_beginning_to_end(client: Client, auth: Auth) -> None:
    user = await auth.create_user("anna", GOOD)
    body = {"username": "anna", "password": GOOD}

    answer = await client.post("/api/v1/auth/login", json=body)
    assert answer.status_code == 200
    pair = answer.json()
    assert pair.keys() == {"access_token", "refresh_token", "token_type", "expires_in"}
    assert (pair["token_type"], pair["expires_in"]) == ("Bearer", 900)
    assert answer.headers["cache-control"] == "no-store"

    headers = {"Authorization": f"bearer {pair['access_token']}"}
    answer = await client.get("/api/v1/auth/me", headers=headers)
    assert answer.json() == {"id": user.id, "username": "anna", "role": "user"}

    answer = await client.post("/api/v1/auth/ws-ticket", headers=headers)
    assert answer.status_code == 200
    assert answer.json()["expires_in"] == 30
    assert (await auth.redeem_ticket(answer.json()["ticket"])).user_id == user.id

    renewal = {"refresh_token": pair["refresh_token"]}
    answer = await client.post("/api/v1/auth/refresh", json=renewal)
    assert answer.status_code == 200
    pair = answer.json()
    headers = {"Authorization": f"Bearer {pair['access_token']}"}

    answer = await client.post("/api/v1/auth/logout", headers=headers)
    assert answer.status_code == 204
    assert (await client.get("/api/v1/auth/me", headers=headers)).status_code == 401
    renewal = {"refresh_token": pair["refresh_token"]}
    assert (await client.post("/api/v1/auth/refresh", json=renewal)).status_code == 401


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Bearer x", "Basic eDp5", "x", "Bearer " + "x" * 5000]
)
async def test_without_a_good_access_token_the_answer_is_401(
    client: Client, header: str | None
) -> None:
    headers = {} if header is None else {"Authorization": header}
    for method, path in PROTECTED:
        answer = await client.request(method, f"/api/v1{path}", headers=headers)
        assert answer.status_code == 401, path
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.json()["code"] == "unauthenticated"


async def test_a_route_sees_its_principal_and_an_open_one_needs_none(
    client: Client, anna: dict[str, str]
) -> None:
    assert (await client.get("/api/v1/echo", headers=anna)).text == "anna"
    assert (await client.get("/api/v1/open")).text == "open"


def test_sockets_are_left_to_who_serves_them(auth: Auth) -> None:
    with (
        TestClient(application(auth)) as client,
        client.websocket_connect("/api/v1/socket") as connected,
    ):
        assert connected.receive_text() == "nobody asked"


async def test_only_administrators_administer(
    client: Client, anna: dict[str, str], root: dict[str, str]
) -> None:
    for method, path in FOR_ADMINS:
        answer = await client.request(method, f"/api/v1{path}", headers=anna, json={})
        assert answer.status_code == 403
        assert answer.json()["code"] == "forbidden"
    assert (await client.get("/api/v1/admins", headers=root)).text == "hello"


async def test_administrators_add_list_and_change_users(
    client: Client, root: dict[str, str]
) -> None:
    body = {"username": "anna", "password": GOOD}
    answer = await client.post("/api/v1/admin/users", headers=root, json=body)
    assert answer.status_code == 201
    anna = answer.json()
    assert anna.keys() == {"id", "username", "role", "disabled", "created_at", "last_seen_at"}
    answer = await client.post("/api/v1/admin/users", headers=root, json=body)
    assert (answer.status_code, answer.json()["code"]) == (409, "name_taken")

    listed = (await client.get("/api/v1/admin/users", headers=root)).json()
    assert [user["username"] for user in listed] == ["root", "anna"]
    query = {"after": listed[0]["id"], "limit": 1}
    page = await client.get("/api/v1/admin/users", headers=root, params=query)
    assert page.json() == [anna]
    page = await client.get("/api/v1/admin/users", headers=root, params={"limit": 0})
    assert page.status_code == 422

    path = f"/api/v1/admin/users/{anna['id']}"
    answer = await client.patch(path, headers=root, json={"role": "admin"})
    assert (answer.status_code, answer.json()["role"]) == (200, "admin")
    named = {"id": anna["id"], "disabled": True}
    answer = await client.patch("/api/v1/admin/users", headers=root, json=named)
    assert answer.json() == {**anna, "role": "admin", "disabled": True}
    named = {"id": listed[0]["id"], "role": "user"}
    answer = await client.patch("/api/v1/admin/users", headers=root, json=named)
    assert (answer.status_code, answer.json()["code"]) == (409, "last_administrator")
    answer = await client.patch("/api/v1/admin/users/unknown", headers=root, json={})
    assert (answer.status_code, answer.json()["code"]) == (404, "user_not_found")
    answer = await client.patch("/api/v1/admin/users", headers=root, json={"disabled": True})
    assert (answer.status_code, answer.json()["field"]) == (422, "id")
    answer = await client.patch(path, headers=root, json={"id": "0" * 32})
    assert (answer.status_code, answer.json()["field"]) == (422, "id")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"username": "anna"},
        {"username": "anna", "password": GOOD, "admin": True},
        {"username": "x" * 65, "password": GOOD},
        {"username": "anna", "password": "x" * 1025},
        {"username": "anna", "password": ["x"]},
        {"username": None, "password": GOOD},
        ["anna", GOOD],
        "anna",
    ],
)
async def test_a_malformed_sign_in_is_invalid_input(client: Client, body: object) -> None:
    assert (await client.post("/api/v1/auth/login", json=body)).status_code == 422


async def test_a_large_body_is_refused(client: Client) -> None:
    body = b'{"username": "anna", "password": "' + b"x" * 100_000 + b'"}'
    headers = {"Content-Type": "application/json"}
    answer = await client.post("/api/v1/auth/login", content=body, headers=headers)
    assert answer.status_code == 413


async def test_no_forwarded_address_helps_who_guesses(client: Client, auth: Auth) -> None:
    await auth.create_user("anna", GOOD)
    await auth.create_user("boris", GOOD)
    answers = [
        await client.post(
            "/api/v1/auth/login",
            json={"username": "anna", "password": f"wrong horse {number}"},
            headers={"X-Forwarded-For": f"198.51.100.{number}"},
        )
        for number in range(20)
    ]
    assert answers[0].status_code == 401
    assert [answer.status_code for answer in answers[-10:]] == [429] * 10
    assert 0 < int(answers[-1].headers["retry-after"]) <= 60

    body = {"username": "boris", "password": GOOD}
    assert (await client.post("/api/v1/auth/login", json=body)).status_code == 200


async def test_behind_a_trusted_proxy_clients_count_apart(replica: Replica) -> None:
    auth = replica(trusted_proxies=["192.0.2.1"])
    await auth.create_user("anna", GOOD)
    app: Any = application(auth)
    proxy = httpx.ASGITransport(app, client=("192.0.2.1", 4000))

    async def sign_in(password: str, forwarded_for: str) -> int:
        async with httpx.AsyncClient(transport=proxy, base_url="http://codelab.example") as client:
            answer = await client.post(
                "/api/v1/auth/login",
                json={"username": "anna", "password": password},
                headers={"X-Forwarded-For": forwarded_for},
            )
        return answer.status_code

    guesses = [await sign_in("x", f"198.51.100.{number}, 203.0.113.1") for number in range(20)]
    assert guesses[-1] == 429
    assert await sign_in(GOOD, "203.0.113.1") == 429
    assert await sign_in(GOOD, "203.0.113.2") == 200


async def test_signing_out_takes_a_refresh_token_or_an_access_token(
    client: Client, auth: Auth
) -> None:
    await auth.create_user("anna", GOOD)
    pairs = [await auth.sign_in("anna", GOOD) for _ in range(3)]

    body = {"refresh_token": pairs[0].refresh_token}
    assert (await client.post("/api/v1/auth/logout", json=body)).status_code == 204
    assert (await client.post("/api/v1/auth/logout", json=body)).status_code == 401

    body = {"refresh_token": "of nobody"}
    headers = bearer(pairs[1])
    assert (await client.post("/api/v1/auth/logout", json=body)).status_code == 401
    answer = await client.post("/api/v1/auth/logout", json=body, headers=headers)
    assert answer.status_code == 204

    body = {"refresh_token": pairs[2].refresh_token}
    answer = await client.post("/api/v1/auth/logout", json=body, headers=headers)
    assert answer.status_code == 204
    for pair in pairs:
        assert (await client.get("/api/v1/auth/me", headers=bearer(pair))).status_code == 401


async def test_the_password_is_changed_by_who_knows_it(
    client: Client, anna: dict[str, str]
) -> None:
    body = {"current_password": "wrong horse", "new_password": BETTER}
    answer = await client.put("/api/v1/auth/password", headers=anna, json=body)
    assert (answer.status_code, answer.json()["code"]) == (403, "wrong_password")

    body = {"current_password": GOOD, "new_password": BETTER}
    answer = await client.put("/api/v1/auth/password", headers=anna, json=body)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert (await client.get("/api/v1/auth/me", headers=anna)).status_code == 401
    fresh = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    assert (await client.get("/api/v1/auth/me", headers=fresh)).status_code == 200


async def test_an_account_is_deleted_by_who_knows_its_password(
    client: Client, anna: dict[str, str]
) -> None:
    path = "/api/v1/users/me"
    answer = await client.request("DELETE", path, headers=anna, json={"password": "wrong horse"})
    assert (answer.status_code, answer.json()["code"]) == (403, "wrong_password")
    answer = await client.request("DELETE", path, headers=anna, json={"password": GOOD})
    assert answer.status_code == 204
    assert (await client.get("/api/v1/auth/me", headers=anna)).status_code == 401


async def test_setup_by_json(client: Client, auth: Auth) -> None:
    token = await auth.issue_setup_token()
    body = {"token": "wrong", "username": "anna", "password": GOOD}
    answer = await client.post("/api/v1/auth/setup", json=body)
    assert (answer.status_code, answer.json()["code"]) == (403, "setup_token_invalid")
    answer = await client.post("/api/v1/auth/setup", json={**body, "token": token})
    assert answer.status_code == 201
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    assert (await client.get("/api/v1/auth/me", headers=headers)).json()["role"] == "admin"
    answer = await client.post("/api/v1/auth/setup", json={**body, "token": token})
    assert (answer.status_code, answer.json()["code"]) == (409, "setup_closed")


async def test_setup_by_the_page(client: Client, auth: Auth) -> None:
    token = await auth.issue_setup_token()
    russian = {"Accept-Language": "ru"}
    answer = await client.get("/setup", params={"token": token or ""}, headers=russian)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert f'value="{token}"' in answer.text
    assert "Имя пользователя" in answer.text

    form = {"token": token, "username": "anna", "password": GOOD, "again": GOOD}
    for field, value, told in [
        ("again", BETTER, "differ"),
        ("username", "an na", "begins with"),
        ("token", "wrong", "does not work"),
    ]:
        answer = await client.post("/setup", data={**form, field: value})
        assert answer.status_code in (403, 422)
        assert told in answer.text
        assert GOOD not in answer.text
    weak = {**form, "password": "short", "again": "short"}
    assert "10 to 1024" in (await client.post("/setup", data=weak)).text

    secure = {"host": "code.example", "x-forwarded-proto": "https"}
    answer = await client.post("/setup", data=form, headers=secure)
    assert answer.status_code == 200
    assert "codelab chat --server https://code.example<" in answer.text
    assert (await client.post("/setup", data=form)).status_code == 409
    assert (await client.get("/setup", params={"token": token or ""})).status_code == 409
    assert (await auth.sign_in("anna", GOOD)).access_token


async def test_the_setup_link_opens_the_interface_where_there_is_one(auth: Auth) -> None:
    token = await auth.issue_setup_token()
    interface = Response(b"the interface", media_type="text/html")
    async with client_of(application(auth, interface)) as client:
        answer = await client.get("/setup", params={"token": token or ""})
        assert (answer.status_code, answer.text) == (200, "the interface")
        # It is handed over to the interface as it is: looking at the page uses nothing up.
        body = {"token": token, "username": "anna", "password": GOOD}
        assert (await client.post("/api/v1/auth/setup", json=body)).status_code == 201


@pytest.mark.parametrize("content_type", ["text/plain", "multipart/form-data", "application/json"])
async def test_a_form_that_is_none_makes_nobody(
    client: Client, auth: Auth, content_type: str
) -> None:
    await auth.issue_setup_token()
    answer = await client.post("/setup", content=b"{", headers={"Content-Type": content_type})
    assert 400 <= answer.status_code < 500
    assert await auth.list_users() == []


async def test_api_tokens_are_made_listed_and_deleted(
    client: Client, anna: dict[str, str], root: dict[str, str]
) -> None:
    path = "/api/v1/users/me/tokens"
    wanted = {"name": "laptop", "expires_days": 30}
    made = await client.post(path, json=wanted, headers=anna)
    assert made.status_code == 201
    assert made.headers["cache-control"] == "no-store"
    token = made.json()["token"]
    listed = (await client.get(path, headers=anna)).json()
    assert [one["name"] for one in listed] == ["laptop"]
    assert "token" not in listed[0]
    assert (await client.get(path, headers=root)).json() == []

    refused = await client.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {token}"})
    assert refused.status_code == 401
    assert "/v1 only" in refused.json()["detail"]

    own = f"{path}/{listed[0]['id']}"
    assert (await client.delete(own, headers=root)).status_code == 404
    assert (await client.delete(own, headers=anna)).status_code == 204
    assert (await client.delete(own, headers=anna)).json()["code"] == "api_token_not_found"
    for body in ({"name": ""}, {"expires_days": 0}, {"scope": "all"}):
        assert (await client.post(path, json=body, headers=anna)).status_code == 422


async def test_preferences_are_kept_for_each_user(
    client: Client, anna: dict[str, str], root: dict[str, str]
) -> None:
    url = "/api/v1/users/me/preferences"
    nothing = (await client.get(url, headers=anna)).json()
    assert (nothing["theme"], nothing["language"], nothing["keys"]) == (None, None, {})

    for theme in ("light", "dark"):
        chosen = {"theme": theme, "keys": {"files.open": "Ctrl+K O", "edit.undo": ""}}
        assert (await client.put(url, headers=anna, json=chosen)).status_code == 200
    kept = (await client.get(url, headers=anna)).json()
    assert kept == nothing | chosen
    assert (await client.get(url, headers=root)).json() == nothing

    for wrong in (
        {"theme": "pink"},
        {"color": "red"},
        {"keys": {"files.open": "x" * 61}},
        {"keys": {str(number): "" for number in range(301)}},
    ):
        assert (await client.put(url, headers=anna, json=wrong)).status_code == 422
    assert (await client.get(url, headers=anna)).json() == kept


async def test_users_learn_whom_to_ask(
    client: Client, auth: Auth, anna: dict[str, str], root: dict[str, str]
) -> None:
    gone = await auth.create_user("gone", GOOD, admin=True)
    await auth.disable(gone.id)
    answer = await client.get("/api/v1/auth/administrators", headers=anna)
    assert answer.json() == ["root"]


async def test_signing_out_everywhere_ends_all_of_ones_sign_ins(
    client: Client, auth: Auth, anna: dict[str, str], root: dict[str, str]
) -> None:
    elsewhere = bearer(await auth.sign_in("anna", GOOD))
    answer = await client.post("/api/v1/auth/logout-everywhere", headers=anna)
    assert answer.status_code == 204
    for headers, status in ((anna, 401), (elsewhere, 401), (root, 200)):
        assert (await client.get("/api/v1/auth/me", headers=headers)).status_code == status


async def test_administrators_see_when_users_were_last_there(
    client: Client, auth: Auth, root: dict[str, str]
) -> None:
    anna = await auth.create_user("anna", GOOD)

    async def seen() -> Any:
        users = (await client.get("/api/v1/admin/users", headers=root)).json()
        return next(user["last_seen_at"] for user in users if user["id"] == anna.id)

    assert await seen() is None
    pair = await auth.sign_in("anna", GOOD)
    first = await seen()
    await auth.refresh(pair.refresh_token)
    second = await seen()
    assert first < second
