"""Which remote repositories git may reach, and how it is told to; pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

import msgspec

from codelab.kit.addresses import host_of, is_name, literal
from codelab.workspace.egress.destinations import Network
from codelab.workspace.errors import RemoteRefused
from codelab.workspace.sandbox.box import Access

_PORTS = {"https": 443, "http": 80}
_URL = re.compile(r"[!#-\[\]-~]{1,2000}")
_NICKNAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._/-]{0,200}")
# Neither runs filters, hooks or merge drivers: no code of the repository runs beside a password.
_ACCESS = {"fetch": Access.HISTORY, "ls-remote": Access.READ, "push": Access.HISTORY}
_OBJECT_FORMATS = ("sha1", "sha256")


class Remote(msgspec.Struct, frozen=True):
    """A remote repository: its address, and where that leads."""

    url: str
    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_remote(url: str) -> Remote:
    """Read a remote's address.

    Raises:
        RemoteRefused: It is not plainly one of https or http.
    """
    try:
        parts = urlsplit(url) if _URL.fullmatch(url) else None
        port = parts.port if parts else None
    except ValueError:
        parts, port = None, None
    if parts is None or parts.scheme not in _PORTS:
        raise RemoteRefused(
            "Remotes are reached by https:// or http:// addresses only, not by ssh, files or "
            "others.",
            field="remote",
        )
    if "@" in parts.netloc:
        raise RemoteRefused(
            "The remote's address must not hold a user name or a password; the administrator "
            "gives them in CODELAB_GIT_CREDENTIALS_FILE.",
            field="remote",
        )
    host = host_of(parts)
    if not (is_name(host) or literal(host)) or parts.query or parts.fragment or port == 0:
        raise RemoteRefused("The remote's address is not one of a repository.", field="remote")
    return Remote(url, parts.scheme, host, port or _PORTS[parts.scheme])


def network_of(remote: Remote, allowed: Network) -> Network:
    """Return a network of this one destination.

    Raises:
        RemoteRefused: The administrator has not named it.
    """
    if not allowed.destinations.entries:
        raise RemoteRefused(
            f"Remotes are off here: the administrator has named no host in {allowed.setting}."
        )
    if not allowed.destinations.names(remote.host, remote.port):
        raise RemoteRefused(f"{remote} is not among the remotes that {allowed.setting} names.")
    narrowed = allowed.destinations.narrowed(remote.host, remote.port)
    return Network(narrowed, allowed.setting)


def access_with_remote(arguments: Sequence[str]) -> Access:
    """Tell what a git command that reaches a remote needs to change here.

    Raises:
        RemoteRefused: It is none of those that may.
    """
    name = arguments[0] if arguments else ""
    if name not in _ACCESS:
        raise RemoteRefused(
            f"`git {name}` reaches no remote here; {', '.join(_ACCESS)} do.", field="command"
        )
    return _ACCESS[name]


def nickname_in(arguments: Sequence[str], remote: Remote) -> str:
    """Return the name by which the arguments call the remote; empty when it is its address.

    Raises:
        RemoteRefused: They name none, or another address.
    """
    named = next((word for word in arguments[1:] if not word.startswith("-")), "")
    if named == remote.url:
        return ""
    if not _NICKNAME.fullmatch(named):
        raise RemoteRefused("The arguments name another remote than was approved.", field="remote")
    return named


def settings_text(remote: Remote, nickname: str, object_format: str, ref_format: str) -> str:
    """Write the only settings that git reads while it reaches a remote.

    The repository's own would decide where git goes, whom it trusts and what it runs.

    Args:
        remote: The remote.
        nickname: The name that the arguments use for it.
        object_format: How the repository names its objects.
        ref_format: How it keeps its references.
    """
    known = object_format if object_format in _OBJECT_FORMATS else _OBJECT_FORMATS[0]
    extensions = [f"\tobjectFormat = {known}"] if known != _OBJECT_FORMATS[0] else []
    extensions += ["\trefStorage = reftable"] if ref_format == "reftable" else []
    lines = ["[core]", "\tbare = false", f"\trepositoryFormatVersion = {int(bool(extensions))}"]
    lines += ["[extensions]", *extensions] if extensions else []
    if nickname:
        lines += [
            f'[remote "{nickname}"]',
            f'\turl = "{remote.url}"',
            f"\tfetch = +refs/heads/*:refs/remotes/{nickname}/*",
        ]
    return "\n".join([*lines, ""])
