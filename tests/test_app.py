"""The whole application, put together as `codelab serve` does it, on an embedded database."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute
from litestar.types import ASGIApp

from codelab.app import CodeLab, create_app
from codelab.cli.migration import upgrade
from codelab.demo import plugin as demo
from codelab.demo.client import MODEL
from codelab.hitl.errors import PolicyInvalid
from codelab.kit.errors import CodeLabError
from codelab.kit.secret_key import SecretKeyWeak
from codelab.llm.errors import CatalogueInvalid
from codelab.plugins import load_plugins
from codelab.settings import Settings, load, secret_keys

KEY = "kV3mJ0pQ8xZ2tB7nL5cR9wY1sD4fG6hA-uEoTiKbNqM"
PASSWORD = "correct horse battery staple"

# Everything that answers somebody who has not signed in. The last ones have a check of their own.
PUBLIC = {
    ("GET", "/"),
    ("GET", "/admin"),
    ("GET", "/admin/{rest}"),
    ("GET", "/assets/{name}"),
    ("GET", "/settings"),
    ("GET", "/settings/{rest}"),
    ("GET", "/w/{rest}"),
    ("GET", "/workspaces"),
    ("GET", "/health"),
    ("GET", "/health/live"),
    ("GET", "/docs"),
    ("GET", "/docs/{name}"),
    ("GET", "/schema"),
    ("GET", "/schema/{path}"),
    ("GET", "/schema/openapi.json"),
    ("GET", "/schema/asyncapi.json"),
    ("GET", "/setup"),
    ("POST", "/setup"),
    ("POST", "/api/v1/auth/login"),
    ("POST", "/api/v1/auth/refresh"),
    ("POST", "/api/v1/auth/setup"),
}


def settings(folder: Path, **more: str) -> Settings:
    """Read settings as the command line does."""
    given = {"DATA_DIR": str(folder / "data"), "SECRET_KEY": KEY, "WORKSPACES_ROOT": str(folder)}
    return load({f"CODELAB_{name}": value for name, value in (given | more).items()})


@asynccontextmanager
async def started(asgi: Any) -> AsyncIterator[None]:
    """Run the application's lifespan as a server does."""
    sent: asyncio.Queue[Any] = asyncio.Queue()
    received: asyncio.Queue[Any] = asyncio.Queue()
    scope: Any = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
    running = asyncio.create_task(asgi(scope, received.get, sent.put))
    for step in ("startup", "shutdown"):
        await received.put({"type": f"lifespan.{step}"})
        answer = await asyncio.wait_for(sent.get(), 30)
        assert answer["type"] == f"lifespan.{step}.complete", answer
        if step == "startup":
            yield
    await running


@pytest.fixture
async def codelab(tmp_path: Path) -> AsyncIterator[CodeLab]:
    """A running application with a project folder."""
    project = tmp_path / "project"
    project.mkdir()
    # No model of a provider's, so that nothing is looked for and nothing slow is loaded.
    (tmp_path / "models.yaml").write_text("model_list: []\n")
    chosen = settings(tmp_path, MODELS_FILE=str(tmp_path / "models.yaml"))
    chosen.data_dir.mkdir()
    await upgrade(chosen.database_url)
    made = create_app(chosen, folders=[project], plugins=load_plugins([("demo", demo)]))
    async with started(made.asgi):
        yield made


@pytest.fixture
async def http(codelab: CodeLab) -> AsyncIterator[httpx.AsyncClient]:
    """A client that has not signed in."""
    asgi: Any = codelab.asgi
    transport = httpx.ASGITransport(asgi, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://codelab.test") as client:
        yield client


async def routes(asgi: ASGIApp) -> list[tuple[str, str]]:
    """Ask the application for all of its routes: (method, path with its parameters)."""
    scope: Any = {
        "type": "http",
        "method": "GET",
        "path": "/health/live",
        "raw_path": b"/health/live",
        "query_string": b"",
        "headers": [],
        "client": ("127.0.0.1", 1),
    }

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        return None

    await asgi(scope, receive, send)
    inner: Litestar = scope["litestar_app"]
    return list(_routes(inner))


def _routes(app: Litestar) -> Iterator[tuple[str, str]]:
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for method in route.methods - {"OPTIONS", "HEAD"}:
                yield str(method), route.path_format


async def test_everything_but_the_door_asks_who_is_there(
    codelab: CodeLab, http: httpx.AsyncClient
) -> None:
    known = await routes(codelab.asgi)
    # A rule without anything that it applies to would hold as well.
    assert ("DELETE", "/api/v1/users/me") in known
    assert set(known) >= PUBLIC
    open_doors = []
    for method, path in known:
        if (method, path) in PUBLIC:
            continue
        url = re.sub(r"\{[^}]*\}", "1", path)
        for headers in ({}, {"Authorization": "Bearer x.y.z"}, {"X-Internal-Secret": ""}):
            response = await http.request(method, url, headers=headers, json={})
            if response.status_code != 401:
                open_doors.append((method, path, headers, response.status_code))
            else:
                problem = response.json()
                # Some answer in OpenAI's form.
                assert problem.get("code") or problem["error"]["code"]
    assert not open_doors, "\n".join(map(str, open_doors))


async def test_the_public_pages_answer(http: httpx.AsyncClient) -> None:
    for path in ("/health", "/health/live", "/docs", "/schema/openapi.json"):
        response = await http.get(path)
        assert response.status_code == 200, (path, response.text)
    # Without the link's token the setup page does nothing.
    assert (await http.post("/setup", data={"username": "ada"})).status_code == 403


async def test_a_whole_day_in_one_test(codelab: CodeLab, http: httpx.AsyncClient) -> None:
    """Sign in, find the project, open a session, read what there is."""
    await codelab.auth.create_user("ada", PASSWORD, admin=True)
    signed = await http.post("/api/v1/auth/login", json={"username": "ada", "password": PASSWORD})
    http.headers["Authorization"] = f"Bearer {signed.json()['access_token']}"
    assert (await http.get("/metrics")).status_code == 200
    workspaces = (await http.get("/api/v1/workspaces")).json()
    (workspace,) = workspaces if isinstance(workspaces, list) else workspaces["items"]
    session = await http.post("/api/v1/sessions", json={"workspace_id": workspace["id"]})
    assert session.status_code == 201, session.text
    names = {agent["name"] for agent in (await http.get("/api/v1/agents")).json()}
    assert {"orchestrator", "coder", "architect", "debug", "ask"} <= names
    (model,) = (await http.get("/api/v1/models")).json()["models"]
    assert model["name"] == MODEL.name


async def test_the_measurements_are_for_administrators_and_services(
    codelab: CodeLab, http: httpx.AsyncClient
) -> None:
    await codelab.auth.create_user("ben", PASSWORD)
    signed = await http.post("/api/v1/auth/login", json={"username": "ben", "password": PASSWORD})
    token = {"Authorization": f"Bearer {signed.json()['access_token']}"}
    assert (await http.get("/metrics", headers=token)).status_code == 403
    assert (await http.get("/metrics", headers={"X-Internal-Secret": "x"})).status_code == 401


async def test_the_openapi_document_is_whole(codelab: CodeLab, http: httpx.AsyncClient) -> None:
    document = (await http.get("/schema/openapi.json")).json()
    assert document["openapi"].startswith("3.")
    text = str(document)
    for name in set(re.findall(r"#/components/schemas/([^'\"]+)", text)):
        jsonschema.Draft202012Validator.check_schema(document["components"]["schemas"][name])
    operations = [
        operation
        for path in document["paths"].values()
        for method, operation in path.items()
        if method in ("get", "post", "put", "patch", "delete")
    ]
    assert len({operation["operationId"] for operation in operations}) == len(operations) > 30
    assert [one["operationId"] for one in operations if not one.get("summary")] == []


def test_keys_come_from_the_settings_or_from_the_data_folder(tmp_path: Path) -> None:
    given = secret_keys(settings(tmp_path, SECRET_KEYS_PREVIOUS="older,oldest"))
    assert given == (KEY, "older", "oldest")
    made = secret_keys(settings(tmp_path, SECRET_KEY=""))
    assert made == secret_keys(settings(tmp_path, SECRET_KEY=""))
    assert len(made[0]) >= 43


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("SECRET_KEY", "changeme", SecretKeyWeak),
        ("SECRET_KEY", "please-change-this-secret-key-before-use", SecretKeyWeak),
        ("INTERNAL_SECRET", "only-for-our-own-services", SecretKeyWeak),
        ("POLICY_FILE", "[[rules]]\ndecision = 'maybe'\n", PolicyInvalid),
        ("MODELS_FILE", "model_list: 7\n", CatalogueInvalid),
    ],
)
def test_what_cannot_be_used_keeps_it_from_starting(
    tmp_path: Path, name: str, content: str, error: type[CodeLabError]
) -> None:
    value = content
    if name.endswith("_FILE"):
        file = tmp_path / "given"
        file.write_text(content)
        value = str(file)
    with pytest.raises(error) as refused:
        create_app(settings(tmp_path, **{name: value}))
    assert "\n" not in refused.value.message
