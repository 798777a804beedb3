from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from codelab.kit.events import Event
from codelab.workspace.folder import Folder
from codelab.workspace.rules import Audience, Rules
from codelab.workspace.sandbox.sandbox import Sandbox
from codelab.workspace.settings import WorkspaceSettings
from tests.support.http import Client
from tests.workspace.http import served

MakeFolder = Callable[..., Folder]


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """The server's own data, with something in it that nobody may see."""
    folder = tmp_path / "server" / "data"
    folder.mkdir(parents=True)
    (folder / "secret.key").write_text("the-server's-own-secret", "utf-8")
    return folder


@pytest.fixture
def settings(data_dir: Path) -> WorkspaceSettings:
    return WorkspaceSettings(data_dir=data_dir)


@pytest.fixture
def sandbox(settings: WorkspaceSettings) -> Sandbox:
    return Sandbox(settings)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An empty project folder; beside it lies what must stay out of reach."""
    (tmp_path / "outside.txt").write_text("outside", "utf-8")
    (tmp_path / "project-sibling").mkdir()
    (tmp_path / "project-sibling" / "file.txt").write_text("sibling", "utf-8")
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.fixture
def make_folder(root: Path, sandbox: Sandbox, threads: ThreadPoolExecutor) -> MakeFolder:
    def make(audience: Audience = Audience.AGENT, allowed_hidden: tuple[str, ...] = ()) -> Folder:
        return Folder(root, Rules(audience, allowed_hidden), sandbox, "bubblewrap", threads)

    return make


@pytest.fixture
def folder(make_folder: MakeFolder) -> Folder:
    """The project as an agent's tools see it."""
    return make_folder()


@pytest.fixture
def human(make_folder: MakeFolder) -> Folder:
    """The project as its user sees it."""
    return make_folder(Audience.HUMAN)


@pytest.fixture
async def boxed(sandbox: Sandbox) -> AsyncIterator[Sandbox]:
    """A sandbox that works; where this machine forbids it, the test is skipped and says why."""
    standing = await sandbox.standing()
    if standing.layer == "none":
        pytest.skip(f"no box can be built here: {standing.reason}")
    yield sandbox


@pytest.fixture
def published() -> list[Event]:
    """Everything that was published."""
    return []


@pytest.fixture
async def client(
    sqlite_url: str, root: Path, data_dir: Path, published: list[Event]
) -> AsyncIterator[Client]:
    """A client of the module's routes, in one workspace."""
    async with served(sqlite_url, root, data_dir, published) as made:
        yield made
