"""git and one remote: what a repository plants leads nowhere, and a password to its host alone."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import structlog

from codelab.sdk.workspace import CommandResult
from codelab.workspace.egress.credentials import CredentialsInvalid
from codelab.workspace.egress.networks import read_networks
from codelab.workspace.errors import RemoteRefused
from codelab.workspace.folder import Folder
from codelab.workspace.rules import Audience, Rules
from codelab.workspace.sandbox.sandbox import Sandbox
from codelab.workspace.settings import WorkspaceSettings
from tests.llm.providers.test_http_pool import self_signed
from tests.workspace.egress.git_server import GitServer, git_server
from tests.workspace.places import git, run

pytestmark = pytest.mark.usefixtures("boxed")

PASSWORD = "codelab-test-password-71c3"
Open = Callable[..., Folder]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[GitServer]:
    """A server with one empty repository."""
    bare = tmp_path / "served" / "remote.git"
    bare.mkdir(parents=True)
    git(bare, "init", "-q", "--bare", "-b", "main")
    with git_server(bare.parent) as server:
        yield server


@pytest.fixture
def repository(root: Path) -> Path:
    git(root, "init", "-q", "-b", "main")
    (root / "a.txt").write_text("one\n", "utf-8")
    git(root, "add", ".")
    git(root, "commit", "-qm", "first")
    return root


@pytest.fixture
def credentials(tmp_path: Path, served: GitServer) -> Path:
    file = tmp_path / "credentials.toml"
    file.write_text(f'["http://{served.host}"]\nusername = "bot"\npassword = "{PASSWORD}"\n')
    file.chmod(0o600)
    return file


@pytest.fixture
def open_folder(root: Path, data_dir: Path, threads: ThreadPoolExecutor) -> Open:
    def make(*remotes: str, commands: tuple[str, ...] = (), credentials: str = "") -> Folder:
        networks = read_networks(commands, remotes, credentials)
        sandbox = Sandbox(WorkspaceSettings(data_dir=data_dir, networks=networks))
        return Folder(root, Rules(Audience.AGENT), sandbox, "bubblewrap", threads)

    return make


def head(folder: Path, name: str = "main") -> str:
    return run("git", "rev-parse", name, cwd=folder).stdout.strip()


def open_to_all(file: Path) -> None:
    file.chmod(0o644)


async def push(folder: Folder, url: str, *, to: str = "origin") -> CommandResult:
    return await folder.git("push", to, "main:main", remote=url)


async def test_pushing_and_fetching(open_folder: Open, repository: Path, served: GitServer) -> None:
    folder = open_folder(served.host)
    pushed = await push(folder, served.url)
    assert pushed.exit_code == 0, pushed.output
    assert head(served.root / "remote.git") == head(repository)
    # By its address as well as by a name, whatever that name means in the repository.
    git(repository, "remote", "add", "origin", "https://elsewhere.example.org/x.git")
    listed = await folder.git("ls-remote", served.url, remote=served.url)
    assert f"{head(repository)}\trefs/heads/main" in listed.output
    git(repository, "update-ref", "-d", "refs/remotes/origin/main")
    fetched = await folder.git("fetch", "origin", remote=served.url)
    assert fetched.exit_code == 0, fetched.output
    assert head(repository, "origin/main") == head(repository)
    again = await push(folder, served.url, to=served.url)
    assert again.exit_code == 0, again.output


async def test_a_repository_with_other_names_for_objects(
    open_folder: Open, root: Path, served: GitServer
) -> None:
    bare = served.root / "long.git"
    bare.mkdir()
    git(bare, "init", "-q", "--bare", "-b", "main", "--object-format=sha256")
    git(root, "init", "-q", "-b", "main", "--object-format=sha256")
    git(root, "commit", "-qm", "first", "--allow-empty")
    pushed = await push(open_folder(served.host), served.url.replace("remote", "long"))
    assert pushed.exit_code == 0, pushed.output
    assert head(bare) == head(root)


async def test_what_the_remote_has_since_is_said(
    open_folder: Open, repository: Path, served: GitServer
) -> None:
    folder = open_folder(served.host)
    await push(folder, served.url)
    git(repository, "commit", "-q", "--amend", "-m", "other")
    refused = await push(folder, served.url)
    assert refused.exit_code != 0
    assert "rejected" in refused.output


@pytest.mark.parametrize("remotes", [(), ("other.example.org", "127.0.0.1")])
async def test_only_what_the_administrator_has_named(
    open_folder: Open, repository: Path, served: GitServer, remotes: tuple[str, ...]
) -> None:
    # What commands may reach is not what git may.
    folder = open_folder(*remotes, commands=(served.host,))
    with pytest.raises(RemoteRefused, match="CODELAB_GIT_REMOTES"):
        await push(folder, served.url)
    assert served.seen == []


async def test_without_a_remote_git_reaches_nothing(
    open_folder: Open, repository: Path, served: GitServer
) -> None:
    folder = open_folder(served.host)
    command = f"git -c protocol.allow=always ls-remote {served.url}"
    result = await folder.run(f"{command}; env | grep -ci proxy")
    assert result.output.endswith("0\n")
    assert served.seen == []


@pytest.mark.parametrize(
    "words",
    [
        ("pull", "origin"),
        ("clone", "{url}"),
        ("push",),
        ("push", "https://127.0.0.1/other.git"),
        ("fetch", "{url}/../other.git"),
        ("fetch", "ext::sh -c true"),
        ("fetch", "../elsewhere"),
    ],
)
async def test_other_ways_to_reach_a_remote_are_refused(
    open_folder: Open, repository: Path, served: GitServer, words: tuple[str, ...]
) -> None:
    folder = open_folder(served.host)
    with pytest.raises(RemoteRefused):
        await folder.git(*(word.format(url=served.url) for word in words), remote=served.url)
    assert served.seen == []


async def test_the_password_goes_to_its_host_for_this_call(
    open_folder: Open, repository: Path, served: GitServer, credentials: Path
) -> None:
    served.user = f"bot:{PASSWORD}"
    without = await push(open_folder(served.host), served.url)
    assert without.exit_code != 0
    assert "could not read Username" in without.output
    folder = open_folder(served.host, credentials=str(credentials))
    with structlog.testing.capture_logs() as logs:
        pushed = await push(folder, served.url)
    assert pushed.exit_code == 0, pushed.output
    assert served.pairs == {served.user}
    for place in (repository, served.root):
        assert run("grep", "-r", PASSWORD, place).stdout == ""
    assert PASSWORD not in f"{logs}{pushed}{folder._sandbox.networks}"
    # The next call that names no remote knows nothing of it.
    plain = await folder.run("env; cat /proc/*/environ")
    assert PASSWORD not in plain.output


async def test_a_password_that_a_remote_repeats_is_masked(
    open_folder: Open, repository: Path, served: GitServer, credentials: Path
) -> None:
    hook = served.root / "remote.git" / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\necho you said {PASSWORD}\nexit 1\n", "utf-8")
    hook.chmod(0o755)
    pushed = await push(open_folder(served.host, credentials=str(credentials)), served.url)
    assert "you said [secret]" in pushed.output


async def test_a_file_that_others_may_read_is_not_used(
    open_folder: Open, repository: Path, served: GitServer, credentials: Path
) -> None:
    folder = open_folder(served.host, credentials=str(credentials))
    open_to_all(credentials)
    with pytest.raises(CredentialsInvalid, match="chmod 600"):
        await push(folder, served.url)
    assert served.seen == []


@pytest.fixture
def thief(tmp_path: Path) -> Iterator[GitServer]:
    """A second server, which would take whatever is sent to it."""
    bare = tmp_path / "thief" / "remote.git"
    bare.mkdir(parents=True)
    git(bare, "init", "-q", "--bare", "-b", "main")
    with git_server(bare.parent) as server:
        yield server


# {evil}: a program that leaves a file; {thief}: another server; {url}, {host}: the approved one.
PLANTED = {
    "urls": (
        "url.{thief}.insteadOf={url}",
        "url.{thief}.pushInsteadOf={url}",
        "include.path={root}/included",
    ),
    "remotes": (
        "remote.origin.url={thief}",
        "remote.origin.pushurl={thief}",
        "remote.origin.vcs=ext::{evil}",
        "remote.origin.receivepack={evil}",
        "remote.{url}.url={thief}",
    ),
    "proxies": (
        "remote.origin.proxy=http://{thief_host}",
        "remote.{url}.proxy=http://{thief_host}",
        "http.proxy=http://{thief_host}",
        "http.{url}.proxy=http://{thief_host}",
        "core.gitProxy={evil}",
    ),
    "http": (
        "http.{url}.extraHeader=Authorization: Basic cGxhbnRlZDpwbGFudGVk",
        "http.{url}.sslVerify=false",
        "http.curloptResolve={host}:{thief_host}",
        "http.{url}.followRedirects=true",
    ),
    "passwords": (
        "credential.helper={evil}",
        "credential.{url}.helper={evil}",
        "credential.{url}.username=planted",
        "core.askPass={evil}",
    ),
    "programs": (
        "core.sshCommand={evil}",
        "core.hooksPath={root}/hooks",
        "core.fsmonitor={evil}",
        "protocol.ext.allow=always",
        "push.recurseSubmodules=on-demand",
        "push.gpgSign=true",
        "gpg.program={evil}",
    ),
}


@pytest.mark.parametrize("planted", PLANTED)
async def test_what_a_repository_plants_leads_nowhere(
    open_folder: Open,
    repository: Path,
    served: GitServer,
    thief: GitServer,
    credentials: Path,
    planted: str,
) -> None:
    evil = repository / "evil.sh"
    evil.write_text(f"#!/bin/sh\ntouch {repository}/ran\n", "utf-8")
    evil.chmod(0o755)
    (repository / "hooks").mkdir()
    (repository / "hooks" / "pre-push").write_bytes(evil.read_bytes())
    (repository / "hooks" / "pre-push").chmod(0o755)
    (repository / "included").write_text(f'[url "{thief.url}"]\n\tinsteadOf = {served.url}\n')
    values = {
        **{"url": served.url, "host": served.host, "thief": thief.url, "thief_host": thief.host},
        **{"evil": evil, "root": repository},
    }
    for line in PLANTED[planted]:
        name, _, value = line.partition("=")
        git(repository, "config", name.format(**values), value.format(**values))
    settings = (repository / ".git" / "config").read_bytes()
    served.user = f"bot:{PASSWORD}"
    # Both may be reached, so that only git's own obedience would be what holds.
    folder = open_folder(served.host, thief.host, credentials=str(credentials))
    pushed = await push(folder, served.url)
    assert pushed.exit_code == 0, pushed.output
    assert head(served.root / "remote.git") == head(repository)
    assert served.pairs == {served.user}
    assert thief.seen == []
    assert not (repository / "ran").exists()
    assert (repository / ".git" / "config").read_bytes() == settings


@pytest.mark.parametrize("kind", ["commondir", "remotes", "config.worktree", "linked"])
async def test_other_files_of_git_lead_nowhere_either(
    open_folder: Open, repository: Path, served: GitServer, thief: GitServer, kind: str
) -> None:
    place = repository / ".git"
    planted = f'[url "{thief.url}"]\n\tinsteadOf = {served.url}\n'
    folder = open_folder(served.host, thief.host)
    if kind == "commondir":
        run("cp", "-r", str(place), str(repository / "common"))
        with (repository / "common" / "config").open("a") as file:
            file.write(planted)
        (place / "commondir").write_text("../common\n", "utf-8")
    elif kind == "remotes":
        (place / "remotes").mkdir()
        (place / "remotes" / "origin").write_text(f"URL: {thief.url}\n", "utf-8")
    elif kind == "config.worktree":
        git(repository, "config", "extensions.worktreeConfig", "true")
        (place / "config.worktree").write_text(planted, "utf-8")
    else:
        (place / "config").rename(place / "kept")
        (place / "config").symlink_to("kept")
        with pytest.raises(RemoteRefused):
            await push(folder, served.url)
        return
    pushed = await push(folder, served.url)
    assert pushed.exit_code == 0, pushed.output
    assert thief.seen == []
    assert head(served.root / "remote.git") == head(repository)


async def test_a_remote_that_sends_elsewhere_is_not_followed(
    open_folder: Open, repository: Path, served: GitServer, thief: GitServer, credentials: Path
) -> None:
    served.redirect = f"http://{thief.host}"
    pushed = await push(
        open_folder(served.host, thief.host, credentials=str(credentials)), served.url
    )
    assert pushed.exit_code != 0
    assert thief.seen == []


async def test_a_certificate_that_nobody_vouches_for_ends_the_call(
    open_folder: Open, repository: Path, served: GitServer, tmp_path: Path
) -> None:
    git(repository, "config", "http.sslVerify", "false")
    with git_server(served.root, self_signed(tmp_path)[1]) as secure:
        pushed = await push(open_folder(secure.host), secure.url)
    assert pushed.exit_code != 0
    assert "certificate" in pushed.output
    assert secure.seen == []
