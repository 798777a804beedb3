"""The settings, and that a mistake in them shows at the start."""

from pathlib import Path

import pytest

from codelab.app import create_app
from codelab.kit.errors import InvalidInput
from codelab.settings import load
from codelab.workspace.egress.credentials import CredentialsInvalid
from codelab.workspace.egress.networks import Networks, read_networks


def test_by_default_nothing_is_open() -> None:
    assert read_networks((), (), "") == Networks()
    assert not Networks().commands.destinations.names("files.example.org", 443)
    assert not Networks().remotes.destinations.names("git.example.org", 443)


def test_each_setting_opens_its_own() -> None:
    found = read_networks(["files.example.org"], ["git.example.org"], "")
    assert found.commands.destinations.names("files.example.org", 443)
    assert not found.commands.destinations.names("git.example.org", 443)
    assert found.remotes.destinations.names("git.example.org", 443)
    assert not found.remotes.destinations.names("files.example.org", 443)


@pytest.mark.parametrize("name", ["CODELAB_SANDBOX_NETWORK", "CODELAB_GIT_REMOTES"])
def test_a_server_does_not_start_with_what_is_no_destination(tmp_path: Path, name: str) -> None:
    environ = {"CODELAB_DATA_DIR": str(tmp_path), name: "files.example.org, http://other"}
    with pytest.raises(InvalidInput, match=f"{name}: 'http://other'"):
        create_app(load(environ))


def test_a_server_does_not_start_with_passwords_that_others_may_read(tmp_path: Path) -> None:
    file = tmp_path / "credentials.toml"
    file.touch(0o644)
    file.chmod(0o644)
    settings = load(
        {
            "CODELAB_DATA_DIR": str(tmp_path / "data"),
            "CODELAB_GIT_CREDENTIALS_FILE": str(file),
        }
    )
    # No command sees it, and no workspace may hold it.
    assert file in settings.own_paths
    with pytest.raises(CredentialsInvalid, match="chmod 600"):
        create_app(settings)
