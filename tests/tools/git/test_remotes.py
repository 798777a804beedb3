"""git_push and git_pull against a real server on loopback."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from codelab.sdk import Risk, ToolError
from codelab.tools.errors import ApprovalStale
from codelab.workspace.api import WorkspaceSettings
from codelab.workspace.egress.networks import read_networks
from codelab.workspace.sandbox.sandbox import Sandbox
from tests.tools.conftest import Bench
from tests.tools.repositories import arguments, asked, begun, commit, read_conflicts, text
from tests.workspace.egress.git_server import GitServer, git_server
from tests.workspace.places import git

pytestmark = pytest.mark.usefixtures("boxed")


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    place = tmp_path / "served" / "remote.git"
    place.mkdir(parents=True)
    git(place, "init", "-q", "--bare", "-b", "main")
    return place


@pytest.fixture
def served(bare: Path) -> Iterator[GitServer]:
    with git_server(bare.parent) as server:
        yield server


@pytest.fixture
def sandbox(tmp_path: Path, served: GitServer) -> Sandbox:
    """A server whose administrator has named the remote's host."""
    networks = read_networks((), (served.host,), "")
    return Sandbox(WorkspaceSettings(data_dir=tmp_path / "data", networks=networks))


@pytest.fixture
def repository(root: Path, served: GitServer) -> Path:
    begun(root)
    git(root, "remote", "add", "origin", served.url)
    return root


@pytest.fixture
def colleague(tmp_path: Path, repository: Path, bare: Path) -> Path:
    """Somebody else's clone of what the repository has pushed."""
    git(repository, "push", "-q", str(bare), "main")
    git(repository, "update-ref", "refs/remotes/origin/main", "main")
    place = tmp_path / "colleague"
    git(tmp_path, "clone", "-q", str(bare), str(place))
    return place


async def test_a_branch_is_pushed(
    bench: Bench, repository: Path, bare: Path, served: GitServer
) -> None:
    git(repository, "branch", "secret-plans")
    git(repository, "tag", "-m", "x", "v1")
    git(repository, "config", "push.followTags", "true")
    git(repository, "config", "remote.origin.mirror", "true")
    prepared = await bench.prepare("git_push", arguments(branch="main"))
    tip = asked(repository, "rev-parse", "main")
    assert prepared.preview.startswith(f"push main ({tip[:10]}) to origin/main\nat {served.url}\n")
    assert "Someone: first" in prepared.preview
    assert (prepared.risk, prepared.raised) == (Risk.HIGH, False)
    assert served.seen == []
    result = await bench.tools.execute(prepared, bench.context)
    assert result.ok, result.output
    assert asked(bare, "for-each-ref", "--format=%(refname) %(objectname)") == (
        f"refs/heads/main {tip}"
    )
    assert asked(repository, "rev-parse", "origin/main") == tip
    with pytest.raises(ToolError, match="already, as it was last seen"):
        await bench.prepare("git_push", arguments(branch="main"))


async def test_commits_that_came_since_are_not_pushed(bench: Bench, repository: Path) -> None:
    prepared = await bench.prepare("git_push", arguments(branch="main"))
    commit(repository, "later", a="later\n")
    with pytest.raises(ApprovalStale):
        await bench.tools.execute(prepared, bench.context)
    prepared = await bench.prepare("git_push", arguments(branch="main"))
    git(repository, "remote", "set-url", "--push", "origin", "http://127.0.0.1:9/other.git")
    with pytest.raises(ApprovalStale):
        await bench.tools.execute(prepared, bench.context)


async def test_overwriting_is_critical_and_keeps_what_nobody_has_seen(
    bench: Bench, repository: Path, colleague: Path, bare: Path
) -> None:
    before = asked(repository, "rev-parse", "main")
    git(repository, "commit", "-q", "--amend", "-m", "amended")
    with pytest.raises(ToolError, match=r"git_pull first.\n.*Someone: first"):
        await bench.prepare("git_push", arguments(branch="main"))
    wanted = arguments(branch="main", overwrite=True)
    prepared = await bench.prepare("git_push", wanted)
    assert (prepared.risk, prepared.raised) == (Risk.CRITICAL, True)
    assert "OVERWRITES: origin/main loses these commits:" in prepared.preview
    theirs = commit(colleague, "theirs", b="theirs\n")
    git(colleague, "push", "-q", "origin", "main")
    refused = await bench.tools.execute(prepared, bench.context)
    assert not refused.ok and "stale info" in refused.output
    assert asked(bare, "rev-parse", "main") == theirs
    git(bare, "update-ref", "refs/heads/main", before)
    result = await bench.run("git_push", wanted)
    assert result.ok, result.output
    assert asked(bare, "rev-parse", "main") == asked(repository, "rev-parse", "main")


async def test_a_pull_moves_on_or_merges(
    bench: Bench, repository: Path, colleague: Path, served: GitServer
) -> None:
    theirs = commit(colleague, "theirs", b="theirs\n")
    git(colleague, "push", "-q", "origin", "main")
    git(repository, "config", "remote.origin.fetch", "+refs/heads/*:refs/heads/*")
    prepared = await bench.prepare("git_pull", "{}")
    assert f"from {served.url}\nand merge what comes into main" in prepared.preview
    assert served.seen == []
    result = await bench.tools.execute(prepared, bench.context)
    assert result.ok, result.output
    assert "fast-forward of origin/main" in result.output
    assert "Someone: theirs" in result.output
    assert asked(repository, "rev-parse", "main") == theirs

    commit(repository, "ours", a="ours\n")
    theirs = commit(colleague, "theirs again", b="theirs again\n")
    git(colleague, "push", "-q", "origin", "main")
    only = await bench.run("git_pull", arguments(merge=False))
    assert "Someone: theirs again" in only.output
    prepared = await bench.prepare("git_pull", "{}")
    assert "Known commits of origin/main that come:" in prepared.preview
    result = await bench.tools.execute(prepared, bench.context)
    assert result.ok, result.output
    assert asked(repository, "log", "-1", "--format=%an|%s").startswith("Ann Bee|Merge origin/main")
    assert asked(repository, "rev-parse", "main^2") == theirs


async def test_a_pull_tells_conflicts(bench: Bench, repository: Path, colleague: Path) -> None:
    commit(colleague, "theirs", long=text(line_3="theirs"))
    git(colleague, "push", "-q", "origin", "main")
    commit(repository, "ours", long=text(line_3="ours"))
    result = await bench.run("git_pull")
    assert not result.ok
    assert result.output.startswith("conflicts: 1 in the merge of origin/main into main")
    ((kind, conflicts),) = read_conflicts(result.output).values()
    assert kind == "both modified"
    assert conflicts[0][2][1] == "ours"


async def test_where_it_goes_is_what_is_shown(
    bench: Bench, repository: Path, served: GitServer
) -> None:
    """Rewriting and an address for pushes are in what is shown."""
    git(repository, "remote", "set-url", "origin", "work:project")
    with pytest.raises(ToolError, match="http or https"):
        await bench.prepare("git_push", arguments(branch="main"))
    git(repository, "config", f"url.{served.url}.insteadOf", "work:project")
    git(repository, "config", f"url.{served.url}/push.pushInsteadOf", "work:project")
    pushed = await bench.prepare("git_push", arguments(branch="main"))
    assert f"\nat {served.url}/push\n" in pushed.preview
    pulled = await bench.prepare("git_pull", "{}")
    assert f"\nfrom {served.url}\n" in pulled.preview
    git(repository, "remote", "set-url", "--add", "origin", "http://127.0.0.1:9/second.git")
    with pytest.raises(ToolError, match="2 addresses"):
        await bench.prepare("git_pull", "{}")


async def test_what_the_administrator_has_not_named_is_not_reached(
    bench: Bench, repository: Path, served: GitServer
) -> None:
    git(repository, "remote", "set-url", "origin", "http://127.0.0.1:9/x.git")
    for name, wish in (("git_push", arguments(branch="main")), ("git_pull", "{}")):
        result = await bench.run(name, wish)
        assert not result.ok
        assert "CODELAB_GIT_REMOTES" in result.output
    assert served.seen == []


@pytest.mark.parametrize(
    "values",
    [
        *({"branch": "main:other"}, {"branch": "+main"}, {"branch": "--all"}, {"branch": "none"}),
        *({"branch": "HEAD"}, {"branch": "refs/heads/main"}, {"branch": "main", "remote": "none"}),
        *({"branch": "main", "remote": "--upload-pack=x"}, {"branch": "main", "remote": "a\0b"}),
        *({"branch": "main", "remote": "http://127.0.0.1/x"}, {"branch": "main", "remote": "../x"}),
    ],
)  # fmt: skip
async def test_odd_names_are_refused(
    bench: Bench, repository: Path, values: dict[str, str]
) -> None:
    with pytest.raises(ToolError):
        await bench.prepare("git_push", arguments(**values))
    if values["branch"] != "none":
        with pytest.raises(ToolError):
            await bench.prepare("git_pull", arguments(**values))
