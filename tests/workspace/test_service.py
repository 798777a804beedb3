import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from codelab.auth.api import Principal
from codelab.auth.models import users
from codelab.kit.bus import Bus
from codelab.kit.clock import utc_now
from codelab.kit.db import Database
from codelab.kit.errors import Conflict, Forbidden, NotFound
from codelab.kit.events import Event
from codelab.workspace.api import Audience, Workspaces, WorkspaceSettings
from codelab.workspace.errors import PathRefused, WorkspaceGone, WorkspaceRefused
from codelab.workspace.events import WorkspaceCreated, WorkspaceDeleted
from codelab.workspace.models import workspaces as table
from tests.support.tables import make_tables

ANN = Principal(user_id="a" * 32, name="ann", role="admin")
BOB = Principal(user_id="b" * 32, name="bob")


@pytest.fixture
def published() -> list[Event]:
    return []


@pytest.fixture
async def db(database_url: str, published: list[Event]) -> AsyncIterator[Database]:
    bus = Bus()
    bus.subscribe(Event, published.append)
    database = Database(database_url, bus)
    await make_tables(database, [users, table])
    async with database.transaction() as tx:
        rows = [
            {
                "id": one.user_id,
                "name": one.name,
                "name_key": one.name,
                "role": one.role,
                "password_hash": "",
                "created_at": utc_now(),
            }
            for one in (ANN, BOB)
        ]
        await tx.execute(sa.insert(users), rows)
    yield database
    await database.close()


@pytest.fixture
def projects(tmp_path: Path) -> Path:
    folder = tmp_path / "projects"
    for name in ("one", "two", "one/inner"):
        (folder / name).mkdir(parents=True)
    return folder


@pytest.fixture
async def workspaces(db: Database, projects: Path, data_dir: Path) -> AsyncIterator[Workspaces]:
    made = Workspaces(db, WorkspaceSettings(data_dir=data_dir, roots=(projects,)))
    yield made
    await made.close()


async def test_a_user_registers_a_folder(
    workspaces: Workspaces, projects: Path, published: list[Event]
) -> None:
    record = await workspaces.create(BOB, str(projects / "one"), "My project")
    assert (record.path, record.name, record.owner_id) == (
        str(projects / "one"),
        "My project",
        BOB.user_id,
    )
    assert published == [
        WorkspaceCreated(workspace_id=record.id, user_id=BOB.user_id, name="My project")
    ]
    assert await workspaces.list(BOB) == [record]
    assert await workspaces.get(BOB, record.id) == record
    relative = await workspaces.create(BOB, "two")
    assert (relative.path, relative.name) == (str(projects / "two"), "two")


async def test_the_box_is_probed_before_anybody_needs_it(workspaces: Workspaces) -> None:
    with capture_logs() as logs:
        workspaces.warm_up()
        first = await workspaces.sandbox()
        assert await workspaces.sandbox() is first
    assert [entry["event"] for entry in logs] == ["sandbox_probed"]


async def test_closing_does_not_wait_for_the_probe(db: Database, data_dir: Path) -> None:
    made = Workspaces(db, WorkspaceSettings(data_dir=data_dir))
    made.warm_up()
    await asyncio.wait_for(made.close(), 5)


async def test_others_do_not_see_it(workspaces: Workspaces, projects: Path) -> None:
    record = await workspaces.create(BOB, str(projects / "one"))
    assert await workspaces.list(ANN) == []
    for attempt in (workspaces.get(ANN, record.id), workspaces.delete(ANN, record.id)):
        with pytest.raises(NotFound):
            await attempt
    for name in ("one", "one/inner"):
        with pytest.raises(Conflict):
            await workspaces.create(ANN, str(projects / name))
    with pytest.raises(Conflict):
        await workspaces.create(BOB, str(projects / "one"))


@pytest.mark.parametrize(
    "path", ["/", "/etc", "..", "../outside", "nothing", "one/../../x", "file", "out", "~", "."]
)
async def test_folders_elsewhere_are_refused(
    workspaces: Workspaces, projects: Path, path: str
) -> None:
    (projects / "file").touch()
    (projects / "out").symlink_to("/etc")
    with pytest.raises(WorkspaceRefused, match="beneath a folder"):
        await workspaces.create(BOB, path)


async def test_the_servers_own_folders_are_refused(
    db: Database, data_dir: Path, tmp_path: Path
) -> None:
    workspaces = Workspaces(db, WorkspaceSettings(data_dir=data_dir, roots=(Path("/"),)))
    refused = [Path("/"), Path.home(), Path.home().parent, data_dir, data_dir.parent, tmp_path]
    for path in refused:
        with pytest.raises(WorkspaceRefused):
            await workspaces.create(ANN, str(path))
        with pytest.raises(WorkspaceRefused):
            await workspaces.ensure(path)
    await workspaces.close()


async def test_without_roots_nobody_registers_anything(
    db: Database, data_dir: Path, projects: Path
) -> None:
    workspaces = Workspaces(db, WorkspaceSettings(data_dir=data_dir))
    with pytest.raises(WorkspaceRefused, match="CODELAB_WORKSPACES_ROOT"):
        await workspaces.create(ANN, str(projects / "one"))
    await workspaces.close()


async def test_a_served_folder_is_everybodys_while_it_is_served(
    workspaces: Workspaces, db: Database, data_dir: Path, projects: Path
) -> None:
    served = await workspaces.ensure(projects / "one")
    assert served.owner_id is None
    assert await workspaces.ensure(projects / "one") == served
    assert await workspaces.list(ANN) == await workspaces.list(BOB) == [served]
    with pytest.raises(Forbidden):
        await workspaces.delete(ANN, served.id)
    await workspaces.open(served.id)

    after = Workspaces(db, WorkspaceSettings(data_dir=data_dir, roots=(projects,)))
    assert await after.list(BOB) == []
    with pytest.raises(NotFound):
        await after.get(BOB, served.id)
    with pytest.raises(WorkspaceGone):
        await after.open(served.id)
    assert await after.ensure(projects / "one") == served
    await after.close()


async def test_two_starts_at_once_offer_the_same(workspaces: Workspaces, projects: Path) -> None:
    records = await asyncio.gather(*(workspaces.ensure(projects / "one") for _ in range(5)))
    assert len({record.id for record in records}) == 1


async def test_opening_for_an_agent_and_for_a_human(workspaces: Workspaces, projects: Path) -> None:
    (projects / "one" / ".env").write_text("KEY=1", "utf-8")
    record = await workspaces.create(BOB, "one")
    agents = await workspaces.open(record.id)
    with pytest.raises(PathRefused):
        await agents.read(".env")
    humans = await workspaces.open(record.id, audience=Audience.HUMAN)
    assert (await humans.read(".env")).text == "KEY=1"
    assert agents.root() == str(projects / "one")
    assert agents.sandbox_layer() == (await workspaces.sandbox()).layer


async def test_a_folder_that_vanished_cannot_be_opened(
    workspaces: Workspaces, projects: Path
) -> None:
    record = await workspaces.create(BOB, "two")
    (projects / "two").rmdir()
    with pytest.raises(WorkspaceGone):
        await workspaces.open(record.id)
    with pytest.raises(NotFound):
        await workspaces.open("0" * 32)


async def test_a_folder_that_is_no_longer_allowed_cannot_be_opened(
    workspaces: Workspaces, db: Database, data_dir: Path, projects: Path
) -> None:
    record = await workspaces.create(BOB, "two")
    narrowed = WorkspaceSettings(data_dir=data_dir, roots=(projects / "one",))
    after = Workspaces(db, narrowed)
    with pytest.raises(WorkspaceGone):
        await after.open(record.id)
    await after.close()


async def test_deleting_forgets_and_leaves_the_folder(
    workspaces: Workspaces, projects: Path, published: list[Event]
) -> None:
    record = await workspaces.create(BOB, "two")
    await workspaces.open(record.id)
    await workspaces.delete(BOB, record.id)
    assert (projects / "two").is_dir()
    assert await workspaces.list(BOB) == []
    assert published[-1] == WorkspaceDeleted(workspace_id=record.id, user_id=BOB.user_id)
    with pytest.raises(NotFound):
        await workspaces.open(record.id)
    again = await workspaces.create(BOB, "two")
    assert again.id != record.id


async def test_a_users_workspaces_go_with_the_user(
    workspaces: Workspaces, db: Database, projects: Path
) -> None:
    await workspaces.create(BOB, "two")
    async with db.transaction() as tx:
        await tx.execute(sa.delete(users).where(users.c.id == BOB.user_id))
    async with db.read() as reader:
        assert (await reader.execute(sa.select(table))).all() == []
