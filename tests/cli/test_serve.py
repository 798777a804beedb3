"""`codelab serve`: what it refuses, what it prints, how it starts and stops."""

from __future__ import annotations

import ipaddress
import signal
import socket
from pathlib import Path

import pytest

from codelab.cli.serve import (
    AddressUnusable,
    FolderUnfit,
    check_address,
    check_folders,
    is_loopback,
    reachable_at,
    welcome,
)
from codelab.kit.secret_key import SecretKeyWeak, new_key
from tests.cli.installed import DEADLINE_S, Installation


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("192.168.1.2", False),
        ("::", False),
        ("localhost.example.org", False),
        ("", False),
    ],
)
def test_which_addresses_only_this_machine_can_reach(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        (str(ipaddress.IPv4Address(0)), "http://127.0.0.1:80"),
        ("::", "http://127.0.0.1:80"),
        ("::1", "http://[::1]:80"),
        ("lab", "http://lab:80"),
    ],
)
def test_the_address_for_people(host: str, address: str) -> None:
    assert reachable_at(host, 80) == address


def test_beyond_this_machine_a_strong_key_is_needed() -> None:
    with pytest.raises(AddressUnusable, match="CODELAB_SECRET_KEY"):
        check_address("192.0.2.1", 0, "")
    with pytest.raises(SecretKeyWeak):
        check_address("192.0.2.1", 0, "changeme" * 8)
    check_address("127.0.0.1", 0, "")


def test_an_address_of_another_machine_is_one_sentence() -> None:
    with pytest.raises(AddressUnusable, match=r"192\.0\.2\.1"):
        check_address("192.0.2.1", 0, new_key())


def test_a_port_that_is_taken_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(AddressUnusable, match=f"Port {port} is taken.*--port"):
            check_address("127.0.0.1", port, "")


def test_folders_that_nobody_should_work_on_are_refused(tmp_path: Path) -> None:
    check_folders([tmp_path], (tmp_path.parent / "data",))
    for folder in (Path("/"), Path.home(), tmp_path):
        with pytest.raises(FolderUnfit, match=str(folder)):
            check_folders([folder], (tmp_path / "data",))


def test_the_welcome_names_the_setup_link_only_while_it_works() -> None:
    first = welcome("http://127.0.0.1:8000", "t0ken", "", None)
    assert "http://127.0.0.1:8000/setup?token=t0ken" in first
    assert "codelab user add" in first
    later = welcome("http://127.0.0.1:8000", None, "", None)
    assert "setup" not in later and "codelab chat\n" in later


def test_the_welcome_names_another_address_and_what_models_lack() -> None:
    text = welcome("http://127.0.0.1:9", None, "Set OPENAI_API_KEY.", None)
    assert "codelab chat --server http://127.0.0.1:9" in text
    assert "Set OPENAI_API_KEY." in text


def test_the_welcome_says_that_the_tour_is_scripted(tmp_path: Path) -> None:
    text = welcome("http://127.0.0.1:8000", None, "", tmp_path)
    assert "scripted" in text and str(tmp_path) in text and "@coder Fix the bug" in text


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_starts_without_models_and_stops_in_good_order(
    tmp_path: Path, number: signal.Signals
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    installation = Installation(tmp_path / "home")
    installation.home.mkdir()
    with installation.serving("--workspace", str(project)) as process:
        process.send_signal(number)
        assert process.wait(timeout=DEADLINE_S) == 0
    assert "/setup?token=" in installation.printed
    assert "No model is configured" in installation.printed
    data = installation.home / "data" / "codelab"
    assert data.stat().st_mode & 0o077 == 0
    assert (data / "secret.key").stat().st_mode & 0o077 == 0


def test_it_refuses_a_home_folder_in_one_sentence(tmp_path: Path) -> None:
    done = Installation(tmp_path).run("serve", "--port", "0")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ") and done.stderr.count("\n") == 1


def test_it_refuses_an_older_server_database_in_one_sentence(
    tmp_path: Path, postgres_url: str
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    arguments = ("serve", "--port", "0", "--workspace", str(project))
    done = Installation(tmp_path).run(
        *arguments, environment={"CODELAB_DATABASE_URL": postgres_url}
    )
    assert done.returncode == 1
    assert "codelab migrate" in done.stderr and done.stderr.count("\n") == 1
