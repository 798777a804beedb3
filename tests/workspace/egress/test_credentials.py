"""User names and passwords for remotes: one file, closed to others, and never quoted."""

import base64
import os
from pathlib import Path

import pytest

from codelab.workspace.egress.credentials import (
    Credential,
    CredentialsInvalid,
    credential_for,
    read_credentials,
)
from codelab.workspace.egress.remotes import parse_remote

SECRET = "codelab-test-password-93aa"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    place = tmp_path / "credentials.toml"
    place.touch(0o600)
    return place


def test_each_host_has_its_own(file: Path) -> None:
    file.write_text(
        f'["git.example.org"]\nusername = "bot"\npassword = "{SECRET}"\n'
        '["Git.Example.net:8443"]\nusername = "ann"\npassword_env = "GIT_TOKEN"\n'
        '["http://127.0.0.1:3000"]\nusername = "local"\npassword = "x"\n',
        "utf-8",
    )
    found = read_credentials(file, {"GIT_TOKEN": "of the environment"})

    def of(url: str) -> Credential | None:
        return credential_for(parse_remote(url), found)

    assert of("https://git.example.org/x") == Credential("bot", SECRET)
    assert of("https://git.example.net:8443/x") == Credential("ann", "of the environment")
    assert of("http://127.0.0.1:3000/x") == Credential("local", "x")
    for url in (
        # A password is not sent in the clear unless the file says so.
        "http://git.example.org/x",
        "http://git.example.org:443/x",
        "https://git.example.org:8443/x",
        "https://git.example.net/x",
        "https://127.0.0.1:3000/x",
        "https://a.git.example.org/x",
    ):
        assert of(url) is None
    assert SECRET not in repr(found)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601])
def test_a_file_that_others_may_use_is_refused(file: Path, mode: int) -> None:
    file.chmod(mode)
    with pytest.raises(CredentialsInvalid, match="chmod 600"):
        read_credentials(file)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_somebody_else_is_refused(file: Path) -> None:
    os.chown(file, 65534, 65534)
    with pytest.raises(CredentialsInvalid, match="belong"):
        read_credentials(file)


@pytest.mark.parametrize(
    "text",
    [
        f'["a.org"]\npassword = "{SECRET}"',
        '["a.org"]\nusername = "bot"',
        f'["a.org"]\nusername = ""\npassword = "{SECRET}"',
        f'["a.org"]\nusername = "bot"\npassword = "{SECRET}"\npassword_env = "X"',
        f'["a.org"]\nusername = "bot"\npassword = "{SECRET}"\nport = 1',
        '["a.org"]\nusername = "bot"\npassword_env = "NOT_SET"',
        f'["a.org"]\nusername = "bot"\npassword = "{SECRET}\\nquit=1"',
        f'["ssh://a.org"]\nusername = "bot"\npassword = "{SECRET}"',
        f'["*.a.org"]\nusername = "bot"\npassword = "{SECRET}"',
        f'"a.org" = "{SECRET}"',
        f'["a.org"]\nusername = bot {SECRET}',
        f'["a.org"]\nusername = 1\npassword = "{SECRET}"',
    ],
)
def test_what_is_wrong_is_said_without_a_value(file: Path, text: str) -> None:
    file.write_text(text, "utf-8")
    with pytest.raises(CredentialsInvalid, match="CODELAB_GIT_CREDENTIALS_FILE") as wrong:
        read_credentials(file, {})
    assert SECRET not in str(wrong.value)
    assert wrong.value.__cause__ is None


@pytest.mark.parametrize("place", ["missing", "."])
def test_a_file_that_is_none(tmp_path: Path, place: str) -> None:
    with pytest.raises(CredentialsInvalid):
        read_credentials(tmp_path / place)


def test_a_password_is_masked_as_it_is_and_as_it_is_sent() -> None:
    sent = base64.b64encode(f"bot:{SECRET}".encode()).decode()
    text = Credential("bot", SECRET).masked(f"{SECRET} Basic {sent}!")
    assert text == "[secret] Basic [secret]!"
