"""Runs git against a remote: this one destination, settings of ours, a password for this call."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from codelab.sdk.workspace import CommandResult
from codelab.workspace.egress.credentials import (
    HELPER,
    Credential,
    credential_for,
    read_credentials,
)
from codelab.workspace.egress.gateway import PROXIES
from codelab.workspace.egress.reach import Reach
from codelab.workspace.egress.remotes import (
    Remote,
    access_with_remote,
    network_of,
    nickname_in,
    parse_remote,
    settings_text,
)
from codelab.workspace.errors import RemoteRefused
from codelab.workspace.git import git_command
from codelab.workspace.sandbox.box import Access
from codelab.workspace.sandbox.sandbox import Sandbox

_LOOK_S = 60.0
_REACH_S = 300.0
_OWN = "config"
# Where a remote sends git on to is not what a human has approved.
_SETTINGS = {"http.followRedirects": ("false",), "push.default": ("current",)}


async def git_with_remote(
    sandbox: Sandbox, root: Path, arguments: Sequence[str], url: str
) -> CommandResult:
    """Run `git fetch`, `git push` or `git ls-remote` against one remote.

    Args:
        sandbox: Where it runs.
        root: The repository.
        arguments: The command; the remote in it is its address, or a name for it.
        url: The remote's address, as it was approved.

    Raises:
        RemoteRefused: The remote may not be reached, or not by this command.
        CredentialsInvalid: The file with credentials cannot be used.
        SandboxUnavailable: Nothing here can give a box network.
    """
    remote = parse_remote(url)
    access = access_with_remote(arguments)
    nickname = nickname_in(arguments, remote)
    networks = sandbox.networks
    network = network_of(remote, networks.remotes)
    place = root / ".git"
    credential = await asyncio.to_thread(_looked_at, place, remote, networks.credentials_file)
    formats = await _formats(sandbox, root)
    with _as_file(settings_text(remote, nickname, *formats)) as settings:
        reach = Reach(
            network=network,
            variables=_variables(remote, place, credential),
            covers=((place / _OWN, settings),),
        )
        result = await sandbox.run(
            root, git_command(arguments), access=access, timeout_s=_REACH_S, reach=reach
        )
    return _masked(result, credential)


async def _formats(sandbox: Sandbox, root: Path) -> tuple[str, str]:
    """Ask git, without network or secrets, for what its settings must say to be able to read."""
    words = ("rev-parse", "--show-object-format", "--show-ref-format")
    shown = await sandbox.run(root, git_command(words), access=Access.READ, timeout_s=_LOOK_S)
    found = shown.output.split("\n")
    # An older git repeats what it does not know.
    return found[0], found[1] if len(found) > 1 else ""


@contextmanager
def _as_file(text: str) -> Iterator[Path]:
    with tempfile.NamedTemporaryFile("w", prefix="codelab-git-") as file:
        file.write(text)
        file.flush()
        # The box may have a user of its own.
        os.fchmod(file.fileno(), 0o644)
        yield Path(file.name)


def _looked_at(place: Path, remote: Remote, file: Path | None) -> Credential | None:
    """Look at the repository's folder, and for a password."""
    own = place / _OWN
    if place.is_symlink() or own.is_symlink() or not own.is_file():
        raise RemoteRefused("Remotes are reached from a repository with a .git folder only.")
    return credential_for(remote, read_credentials(file)) if file else None


def _variables(remote: Remote, place: Path, credential: Credential | None) -> dict[str, str]:
    settings = {**_SETTINGS, **(HELPER if credential else {})}
    return {
        **PROXIES,
        **_as_variables(settings),
        # No file in the folder may name another folder for its settings.
        "GIT_DIR": str(place),
        "GIT_COMMON_DIR": str(place),
        "GIT_ALLOW_PROTOCOL": remote.scheme,
        "GIT_ASKPASS": "",
        **(credential.variables() if credential else {}),
    }


def _as_variables(settings: Mapping[str, Sequence[str]]) -> dict[str, str]:
    pairs = [(name, value) for name, values in settings.items() for value in values]
    variables = {"GIT_CONFIG_COUNT": str(len(pairs))}
    for number, (name, value) in enumerate(pairs):
        variables[f"GIT_CONFIG_KEY_{number}"] = name
        variables[f"GIT_CONFIG_VALUE_{number}"] = value
    return variables


def _masked(result: CommandResult, credential: Credential | None) -> CommandResult:
    if credential is None:
        return result
    return msgspec.structs.replace(result, output=credential.masked(result.output))
