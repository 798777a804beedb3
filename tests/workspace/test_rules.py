import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codelab.workspace.errors import PathRefused
from codelab.workspace.folder import Folder
from codelab.workspace.paths import opened_root
from codelab.workspace.rules import Audience, Rules
from tests.workspace.conftest import MakeFolder

HIDDEN = [".env", ".ssh/id_rsa", "src/.secret", ".github/workflows/ci.yml", ".codelab-0.tmp"]
REPOSITORY = [".git/config", ".GIT/config", "sub/.git/HEAD", ".git./config", "git~1/config", ".git"]
EXCLUDED = [
    "node_modules/a/index.js",
    "packages/x/node_modules/y.js",
    "build/out.txt",
    "dist/app.js",
    "a.pyc",
    "deep/A.class",
    "x.o",
    "lib.so",
    "Thumbs.db",
]


def make(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("needle", "utf-8")


async def listed(folder: Folder) -> list[str]:
    listing = await folder.list(recursive=True)
    return [entry.path for entry in listing.entries if not entry.is_folder]


@pytest.mark.parametrize("path", [*HIDDEN, *EXCLUDED, *REPOSITORY])
async def test_agents_get_nothing_hidden_or_excluded(folder: Folder, root: Path, path: str) -> None:
    if path != ".git":
        make(root, path)
    with pytest.raises(PathRefused, match=r"hidden|excluded|git itself"):
        await folder.read(path)
    with pytest.raises(PathRefused):
        await folder.plan_write(path, "x")
    with pytest.raises(PathRefused):
        await folder.plan_delete(path)
    assert await listed(folder) == []
    assert (await folder.search("needle")).matches == ()


@pytest.mark.parametrize("path", [*HIDDEN, *EXCLUDED])
async def test_humans_open_what_is_theirs(human: Folder, root: Path, path: str) -> None:
    make(root, path)
    assert (await human.read(path)).text == "needle"


@pytest.mark.parametrize("path", REPOSITORY)
async def test_nobody_opens_what_belongs_to_git(human: Folder, root: Path, path: str) -> None:
    with pytest.raises(PathRefused, match="git itself"):
        await human.plan_write(path, "x")


async def test_humans_see_hidden_files_and_no_excluded_ones(human: Folder, root: Path) -> None:
    make(root, ".env", ".git/config", "build/x", "a.py")
    assert await listed(human) == [".env", "a.py"]
    assert [match.path for match in (await human.search("needle")).matches] == [".env", "a.py"]


async def test_the_administrator_allows_hidden_files(make_folder: MakeFolder, root: Path) -> None:
    folder = make_folder(allowed_hidden=(".github/", ".env.example"))
    make(root, ".github/workflows/ci.yml", ".env.example", ".env", ".git/config", "sub/.env")
    assert await listed(folder) == [".env.example", ".github/workflows/ci.yml"]
    found = await folder.search("needle")
    assert [match.path for match in found.matches] == [".env.example", ".github/workflows/ci.yml"]
    await folder.read(".github/workflows/ci.yml")
    for path in (".env", "sub/.env", ".git/config"):
        with pytest.raises(PathRefused):
            await folder.read(path)


async def test_gitignore_files_are_respected_as_git_does(folder: Folder, root: Path) -> None:
    make(root, "a.log", "keep.log", "sub/b.log", "sub/c.txt", "sub/deep/d.txt", "logs/x", "e.txt")
    (root / ".gitignore").write_text("*.log\n!keep.log\n/logs/\n[\n# comment\n", "utf-8")
    (root / "sub" / ".gitignore").write_text("!b.log\ndeep/\n", "utf-8")
    expected = ["e.txt", "keep.log", "sub/b.log", "sub/c.txt"]
    assert await listed(folder) == expected
    assert [match.path for match in (await folder.search("needle")).matches] == expected
    for path in ("a.log", "logs/x", "sub/deep/d.txt"):
        with pytest.raises(PathRefused, match="excluded"):
            await folder.read(path)
    await folder.read("sub/b.log")


async def test_a_changed_gitignore_counts_at_once(folder: Folder, root: Path) -> None:
    make(root, "a.txt")
    await folder.read("a.txt")
    (root / ".gitignore").write_text("a.txt\n", "utf-8")
    with pytest.raises(PathRefused):
        await folder.read("a.txt")
    (root / ".gitignore").unlink()
    await folder.read("a.txt")


async def test_a_hostile_gitignore_costs_nothing(folder: Folder, root: Path) -> None:
    make(root, "a" * 200)
    (root / ".gitignore").write_text("*a" * 100 + "b\n" + "*a*a*b\n" * 500, "utf-8")
    assert len(await listed(folder)) == 1
    (root / ".gitignore").unlink()
    os.mkfifo(root / ".gitignore")
    assert len(await listed(folder)) == 1


NAMES = st.sampled_from(
    ["a", ".env", ".github", "build", "dist", "x.pyc", "y.o", "Thumbs.db", ".git", "GIT~1", "log"]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(NAMES, max_size=3), NAMES, st.booleans(), st.booleans())
def test_within_a_folder_the_fast_way_says_the_same(
    root: Path, folders: list[str], name: str, is_folder: bool, is_human: bool
) -> None:
    (root / ".gitignore").write_text("log\n!a/log\nbuild/\n", "utf-8")
    rules = Rules(Audience.HUMAN if is_human else Audience.AGENT, [".github/"])
    folder = "/".join(folders) or "."
    path = "/".join([*folders, name])
    with opened_root(root) as descriptor:
        files = [path] if rules.lists(descriptor, path) else []
        assert rules.listed(descriptor, [path]) == {*files}
        if folders and not rules.lists(descriptor, folder, is_folder=True):
            return
        fast = rules.within(descriptor, folder)(name, is_folder=is_folder)
        assert fast == rules.lists(descriptor, path, is_folder=is_folder)


KEPT = ["secret/plan.txt", "src/key.pem", "src/deep/other.pem", "notes/private.md"]


@pytest.fixture
def kept(root: Path) -> Path:
    """A project in which some files are kept from agents."""
    make(root, *KEPT, "src/public.pem", "a.py", "notes/public.md")
    (root / ".codelabignore").write_text("/secret/\n*.pem\n!public.pem\n", "utf-8")
    (root / "notes" / ".codelabignore").write_text("private.*\n", "utf-8")
    return root


@pytest.mark.parametrize("path", [*KEPT, ".codelabignore", "notes/.codelabignore", "new/x.pem"])
async def test_agents_get_nothing_that_is_kept_from_them(
    make_folder: MakeFolder, kept: Path, path: str
) -> None:
    folder = make_folder(allowed_hidden=(".*",))
    for call in (folder.read(path), folder.state(path), folder.plan_delete(path)):
        with pytest.raises(PathRefused, match=r"kept from agents by \.codelabignore"):
            await call
    with pytest.raises(PathRefused, match="kept from agents"):
        await folder.plan_write(path, "x")
    with pytest.raises(PathRefused, match="kept from agents"):
        await folder.write(path, "x", before="")


async def test_agents_find_nothing_that_is_kept_from_them(folder: Folder, kept: Path) -> None:
    (kept / "link.md").symlink_to("notes/private.md")
    (kept / "place").symlink_to("secret")
    public = ["a.py", "notes/public.md", "src/public.pem"]
    assert await listed(folder) == ["a.py", "link.md", "notes/public.md", "place", "src/public.pem"]
    found = await folder.search("needle")
    assert [match.path for match in found.matches] == public
    assert found.further == ()
    for path in ("secret", "notes/private.md", "src/deep/other.pem", "place", "link.md"):
        with pytest.raises(PathRefused):
            await folder.search("needle", path)
    for path in ("secret", "place"):
        with pytest.raises(PathRefused):
            await folder.list(path)
    with pytest.raises(PathRefused):
        await folder.read("link.md")


async def test_humans_still_have_what_is_kept_from_agents(human: Folder, kept: Path) -> None:
    assert set(KEPT) <= set(await listed(human))
    for path in (*KEPT, ".codelabignore"):
        assert (await human.read(path)).text
    assert set(KEPT) <= {match.path for match in (await human.search("needle")).matches}


async def test_whoever_shows_an_agent_something_shows_nothing_kept(
    make_folder: MakeFolder, kept: Path
) -> None:
    make(kept, ".env")
    showing = make_folder(Audience.SHOWING)
    assert (await showing.read(".env")).text == "needle"
    for path in (*KEPT, ".codelabignore"):
        with pytest.raises(PathRefused, match="kept from agents"):
            await showing.read(path)
    shown = await listed(showing)
    assert not {*KEPT, ".codelabignore"} & set(shown)


async def test_a_change_of_what_is_kept_holds_at_once(folder: Folder, kept: Path) -> None:
    (kept / ".codelabignore").write_text("a.py\n", "utf-8")
    with pytest.raises(PathRefused):
        await folder.read("a.py")
    assert (await folder.read("secret/plan.txt")).text == "needle"
    (kept / ".codelabignore").unlink()
    assert (await folder.read("a.py")).text == "needle"


@pytest.mark.parametrize(
    "lines", ["**/*a*/**/*b*\n", "fits\n" * 3000, "/" * 200_000, "\\\n", "a\n!\n"]
)
async def test_what_cannot_be_understood_keeps_everything_from_agents(
    folder: Folder, kept: Path, lines: str
) -> None:
    (kept / "notes" / ".codelabignore").write_text(lines, "utf-8")
    with pytest.raises(PathRefused, match="kept from agents"):
        await folder.read("notes/public.md")
    assert (await folder.read("a.py")).text == "needle"


async def test_a_link_in_its_place_keeps_everything_from_agents(folder: Folder, kept: Path) -> None:
    (kept / ".codelabignore").unlink()
    (kept / ".codelabignore").symlink_to("../outside.txt")
    with pytest.raises(PathRefused, match="kept from agents"):
        await folder.read("a.py")
