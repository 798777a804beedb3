"""The user names and passwords for remotes, which an administrator keeps in a file."""

from __future__ import annotations

import base64
import os
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from codelab.kit.addresses import place_of
from codelab.kit.errors import CodeLabError
from codelab.workspace.egress.remotes import Remote

SETTING = "CODELAB_GIT_CREDENTIALS_FILE"

_PLAIN_HTTP = "http://"
_USER, _PASSWORD = "CODELAB_GIT_USERNAME", "CODELAB_GIT_PASSWORD"
# Git runs this with the word `get` when it needs them.
_HELPER = (
    '!f() { test "$1" = get && '
    f'printf \'username=%s\\npassword=%s\\n\' "${_USER}" "${_PASSWORD}"; }}; f'
)


class CredentialsInvalid(CodeLabError):
    """The file with credentials cannot be used."""

    code = "git_credentials_invalid"
    title = "The file with git credentials is wrong"


class Credential(msgspec.Struct, frozen=True):
    """A user name and a password."""

    username: str
    password: str

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"

    def variables(self) -> dict[str, str]:
        """Return what git's environment must hold to use it."""
        return {_USER: self.username, _PASSWORD: self.password}

    def masked(self, text: str) -> str:
        """Take the password out of a text, in the form that goes over the wire too."""
        pair = f"{self.username}:{self.password}".encode()
        for secret in (self.password, base64.b64encode(pair).decode()):
            text = text.replace(secret, "[secret]")
        return text


HELPER = {"credential.helper": ("", _HELPER)}
"""Settings of git: the first value forgets other helpers, the second one reads the environment."""

Credentials = Mapping[tuple[str, str, int], Credential]


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    username: str
    password: str = ""
    password_env: str = ""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"


def credential_for(remote: Remote, credentials: Credentials) -> Credential | None:
    """Return what is kept for a remote's scheme, host and port."""
    return credentials.get((remote.scheme, remote.host, remote.port))


def read_credentials(path: Path, environ: Mapping[str, str] = os.environ) -> Credentials:
    """Read the file: a table for each host, `host:port` or `http://host`, and https otherwise.

    Raises:
        CredentialsInvalid: It cannot be read, others may read it, or an entry is wrong; no value
            is quoted.
    """
    try:
        with path.open("rb") as file:
            _check_mode(os.fstat(file.fileno()))
            tables = tomllib.load(file)
    except OSError:
        raise CredentialsInvalid(f"{SETTING}: the file cannot be read.") from None
    except ValueError:
        raise CredentialsInvalid(f"{SETTING}: the file is not valid TOML.") from None
    return dict(_entry(host, table, environ) for host, table in tables.items())


def _check_mode(found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise CredentialsInvalid(f"{SETTING}: this is not a regular file.")
    if found.st_mode & 0o077 or found.st_uid not in (0, os.geteuid()):
        raise CredentialsInvalid(
            f"{SETTING}: the file must belong to the server's user and be readable by nobody else "
            "(chmod 600)."
        )


def _entry(
    host: str, table: object, environ: Mapping[str, str]
) -> tuple[tuple[str, str, int], Credential]:
    scheme, port = ("http", 80) if host.startswith(_PLAIN_HTTP) else ("https", 443)
    place = place_of(host.removeprefix(_PLAIN_HTTP).lower())
    if place is None:
        raise CredentialsInvalid(f"{SETTING}: {host!r} is neither a host nor host:port.")
    try:
        entry = msgspec.convert(table, _Entry)
    except msgspec.ValidationError:
        entry = _Entry("")
    if bool(entry.password) == bool(entry.password_env) or not entry.username:
        raise CredentialsInvalid(
            f"{SETTING}: {host} takes `username`, and either `password` or `password_env`."
        )
    password = entry.password or environ.get(entry.password_env, "")
    if not password:
        raise CredentialsInvalid(f"{SETTING}: the variable that {host} names is not set.")
    if any(control in f"{entry.username}{password}" for control in "\0\r\n"):
        raise CredentialsInvalid(f"{SETTING}: what {host} holds is more than one line.")
    return (scheme, place[0], place[1] or port), Credential(entry.username, password)
