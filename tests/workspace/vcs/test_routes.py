"""Version control over HTTP, with the real service behind it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from litestar import Litestar, Router

from codelab.auth.models import users
from codelab.kit.bus import Bus
from codelab.kit.db import Database
from codelab.kit.errors import CodeLabError
from codelab.kit.events import Event
from codelab.kit.ratelimit import RateLimiter
from codelab.workspace.api import VersionControl, Workspaces, WorkspaceSettings
from codelab.workspace.events import RepositoryChanged
from codelab.workspace.models import workspaces as table
from codelab.workspace.vcs.routes import router
from tests.support.http import Client, client_of
from tests.support.tables import make_tables
from tests.workspace.http import ADA, ByHeader, problem
from tests.workspace.places import git

pytestmark = pytest.mark.usefixtures("boxed")

LIMIT = 30


@pytest.fixture
def published() -> list[Event]:
    return []


@pytest.fixture
async def client(
    sqlite_url: str, root: Path, data_dir: Path, published: list[Event]
) -> AsyncIterator[Client]:
    bus = Bus()
    bus.subscribe(Event, published.append)
    db = Database(sqlite_url, bus)
    await make_tables(db, [users, table])
    workspaces = Workspaces(db, WorkspaceSettings(data_dir=data_dir))
    shared = await workspaces.ensure(root)
    vcs = VersionControl(workspaces, RateLimiter(), bus, per_hour=LIMIT)
    app = Litestar(
        [Router("/api/v1", route_handlers=[router(vcs)])],
        middleware=[ByHeader],
        exception_handlers={CodeLabError: problem},
        openapi_config=None,
    )
    async with client_of(app) as made:
        made.base_url = f"http://codelab.local/api/v1/workspaces/{shared.id}/git/"
        yield made
    await workspaces.close()
    await db.close()


async def test_from_an_empty_folder_to_a_branch(
    client: Client, root: Path, published: list[Event]
) -> None:
    assert (await client.get("status")).json()["is_repository"] is False
    for method, path in (("GET", "log"), ("GET", "branches"), ("POST", "init")):
        answer = await client.request(method, path)
        if method == "GET":
            assert (answer.status_code, answer.json()["code"]) == (409, "no_repository")
    assert (await client.post("init")).status_code == 409
    (root / "a.txt").write_text("x\n", "utf-8")
    staged = (await client.post("stage", json={"paths": ["a.txt"]})).json()
    assert staged["entries"] == [
        {
            "path": "a.txt",
            "staged": "A",
            "unstaged": "",
            "conflict": "",
            "staged_lines": {"added": 1, "removed": 0},
            "unstaged_lines": None,
        }
    ]
    diff = (await client.get("diff", params={"path": "a.txt", "staged": "true"})).json()
    assert (diff["before"], diff["after"]["text"]) == (None, "x\n")
    for cut in ("First\0", "\0", " \n"):
        assert (await client.post("commit", json={"message": cut})).status_code == 400, cut
    done = (await client.post("commit", json={"message": "First"})).json()
    assert (done["branch"], done["entries"]) == ("main", [])
    log = (await client.get("log")).json()
    assert [(one["subject"], one["author"]) for one in log["commits"]] == [("First", "ada")]
    details = await client.get(f"commits/{log['start']}")
    assert details.json()["files"][0]["path"] == "a.txt"
    assert (await client.get("commits/HEAD")).status_code == 400
    await client.post("branches", json={"name": "feature/a"})
    assert (await client.post("switch", json={"branch": "feature/a"})).json()["branch"] == (
        "feature/a"
    )
    await client.post("switch", json={"branch": "main"})
    assert (await client.delete("branches/feature/a")).status_code == 204
    (root / "a.txt").write_text("y\n", "utf-8")
    kept = (await client.post("discard", json={"paths": ["."]})).json()
    back = await client.post("undiscard", json={"files": kept["kept"]})
    assert (back.json(), (root / "a.txt").read_text("utf-8")) == ({"left": []}, "y\n")
    told = [event for event in published if isinstance(event, RepositoryChanged)]
    assert {event.user_id for event in told} == {ADA.user_id}
    assert [event.action for event in told] == [
        *("initialised", "staged", "committed", "branch_created"),
        *("switched", "switched", "branch_deleted", "discarded", "restored"),
    ]
    assert (await client.get("diff", params={"path": "../x"})).status_code == 403
    # The last of the hour's operations are used up by looking.
    for _ in range(LIMIT):
        last = await client.get("diff", params={"path": "../x"})
    assert (last.status_code, last.json()["code"]) == (429, "rate_limited")


async def test_a_busy_repository_is_a_conflict_that_passes(client: Client, root: Path) -> None:
    git(root, "init", "-q")
    (root / "a.txt").write_text("x\n", "utf-8")
    lock = root / ".git" / "index.lock"
    lock.touch()
    busy = await client.post("stage", json={"paths": ["."]})
    assert (busy.status_code, busy.json()["code"]) == (409, "git_busy")
    lock.unlink()
    assert (await client.post("stage", json={"paths": ["."]})).status_code == 200
