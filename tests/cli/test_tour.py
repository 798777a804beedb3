"""The guided tour as a newcomer takes it: a real server, a real terminal, every key pressed."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from codelab.demo.sample import BASKET, RIGHT, WRONG
from codelab.kit.secret_key import new_key
from tests.cli.installed import NAME, PASSWORD, Installation, Terminal, terminal

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    made = Installation(tmp_path_factory.mktemp("installation"))
    made.add_user()
    with made.serving("--demo"):
        yield made


@pytest.fixture
def installation(server: Installation, tmp_path: Path) -> Installation:
    return server.seen_from(tmp_path)


def sign_in(screen: Terminal) -> None:
    screen.expect("User name")
    screen.type(f"{NAME}\r")
    screen.expect("Password")
    screen.type(f"{PASSWORD}\r")
    screen.expect("/help")


def say(screen: Terminal, line: str = "") -> None:
    """Wait for the prompt, which has the session's state below it, and answer it."""
    screen.expect("· idle")
    if line:
        screen.type(f"{line}\r")


def answer(screen: Terminal, key: str) -> None:
    """Wait until the question may be answered, and answer it."""
    screen.expect("y approve")
    screen.type(key)


def commits(folder: Path) -> list[str]:
    command = ["git", "log", "--format=%an: %s"]
    log = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return log.stdout.splitlines()


def test_the_whole_tour_by_keys(tmp_path: Path) -> None:
    installation = Installation(tmp_path)
    installation.add_user()
    with installation.serving("--demo"):
        take_the_tour(installation)
    assert commits(installation.sample) == [
        f"{NAME}: Give the bulk discount from ten pieces on",
        "CodeLab demo: Open the shop",
    ]
    replace_the_key(installation)


def replace_the_key(installation: Installation) -> None:
    """Whatever a whole turn has sealed can be sealed anew, and then needs the new key only."""
    former = (installation.home / "data" / "codelab" / "secret.key").read_text().strip()
    keys = {"CODELAB_SECRET_KEY": new_key(), "CODELAB_SECRET_KEYS_PREVIOUS": former}
    done = installation.run("secret", "--rotate", environment=keys)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[0]) > 10
    alone = {"CODELAB_SECRET_KEY": keys["CODELAB_SECRET_KEY"]}
    again = installation.run("secret", "--rotate", environment=alone)
    assert (again.returncode, again.stdout.split()[0]) == (0, "0")


def take_the_tour(installation: Installation) -> None:
    with terminal(installation) as screen:
        sign_in(screen)
        say(screen, "@coder Fix the bug")
        screen.expect("coder wants edit_file (high risk)")
        screen.expect(f"-{WRONG.rstrip()}")
        screen.expect(f"+{RIGHT.rstrip()}")
        assert (installation.sample / BASKET).read_text().count(WRONG) == 1
        answer(screen, "y")
        screen.expect("coder wants execute_command (critical risk)")
        screen.expect("$ python3 -m unittest")
        answer(screen, "y")
        screen.expect("Ran 5 tests")
        screen.expect("coder wants git_commit (medium risk)")
        answer(screen, "y")
        screen.expect("the commit is made")
        assert "demo/scripted-tour" in screen.screen
        say(screen, "/quit")
        screen.expect("codelab chat --session")
        assert screen.wait() == 0
        assert "scripted demo, no AI" in screen.screen


def test_a_rejection_with_feedback_and_a_cancelled_turn(installation: Installation) -> None:
    with terminal(installation) as screen:
        sign_in(screen)
        say(screen, "@coder Fix the bug")
        screen.expect("coder wants edit_file")
        answer(screen, "f")
        screen.expect("What should be different?")
        screen.type("use a constant\r")
        screen.expect("rejected by ann: use a constant")
        screen.expect("so I stop here")
        say(screen, "@coder run the tests")
        screen.expect("coder wants execute_command")
        screen.type("\x03")
        screen.expect("Stopped: cancelled.")
        # Ctrl-C ended the turn and not the program; twice at the prompt it ends that too.
        say(screen, "/agent ask")
        screen.expect("Agent: ask.")
        say(screen)
        screen.type("\x03")
        screen.expect("Press Ctrl-C again")
        say(screen)
        screen.type("\x03")
        assert screen.wait() == 0
    assert (installation.sample / BASKET).read_text().count(WRONG) == 1


def test_edited_parameters_are_what_runs(installation: Installation) -> None:
    editor = installation.home / "editor"
    editor.write_text('#!/bin/sh\nsed -i s/unittest/unittest.does.not.exist/ "$1"\n')
    editor.chmod(0o755)
    installation.environment["EDITOR"] = str(editor)
    with terminal(installation) as screen:
        sign_in(screen)
        say(screen, "@coder run the tests")
        screen.expect("coder wants execute_command")
        answer(screen, "e")
        screen.expect("unittest.does.not.exist")
        screen.expect("Exit code 1")
        say(screen, "/quit")
        assert screen.wait() == 0


def test_keys_pressed_before_the_question_could_be_read_answer_nothing(
    installation: Installation,
) -> None:
    with terminal(installation) as screen:
        sign_in(screen)
        say(screen, "@coder run the tests")
        screen.expect("You addressed @coder")
        screen.type("y" * 3000)
        screen.expect("coder wants execute_command")
        screen.type("y")
        screen.expect("y approve")
        assert "approved by" not in screen.screen
        screen.type("f")
        screen.expect("What should be different?")
        screen.type("nothing\r")
        screen.expect("rejected by ann: nothing")
        assert "approved by" not in screen.screen
        say(screen, "/quit")
        assert screen.wait() == 0


def test_without_a_terminal_it_prints_plain_text(installation: Installation) -> None:
    done = installation.chat("@ask", "What", "does", "it", "do?")
    assert done.returncode == 0, done.stderr
    assert "corner shop" in done.stdout and "\x1b" not in done.stdout
    assert "[ask] You addressed @ask." in done.stderr
    piped = installation.chat("--yes", typed="@coder run the tests\n")
    assert "some fail" in piped.stdout
    assert "[approved by ann] execute_command" in piped.stderr


def test_json_is_one_frame_a_line_and_a_session_goes_on(installation: Installation) -> None:
    done = installation.chat("--json", "hello")
    lines = done.stdout.splitlines()
    assert '"type":"hello"' in lines[0]
    assert '"type":"done"' in done.stdout
    session = done.stdout.split('"session_id":"')[1].split('"')[0]
    with terminal(installation, "--session", session) as screen:
        # The tokens of the first sign-in are kept: nobody is asked again.
        screen.expect("hello")
        screen.expect("I follow a script")
        say(screen, "/quit")
        assert screen.wait() == 0


def test_the_tokens_are_the_owners_alone(installation: Installation) -> None:
    assert installation.chat("hello").returncode == 0
    kept = Path(installation.environment["XDG_CONFIG_HOME"]) / "codelab" / "tokens.json"
    assert kept.stat().st_mode & 0o077 == 0


def test_what_goes_wrong_is_one_sentence(installation: Installation) -> None:
    wrong = installation.run(
        "chat",
        *("--server", installation.url, "hi"),
        environment={"CODELAB_USERNAME": NAME, "CODELAB_PASSWORD": "no"},
    )
    assert wrong.returncode == 1
    assert wrong.stderr.startswith("Error: ") and wrong.stderr.count("\n") == 1
    nowhere = installation.chat("--workspace", "/no/such/folder", "hi")
    assert nowhere.returncode == 1
    assert "There is no folder /no/such/folder" in nowhere.stderr
    assert "CODELAB_WORKSPACES_ROOT" not in nowhere.stderr
    installation.url = "http://127.0.0.1:1"
    with terminal(installation) as screen:
        # Nobody is asked for a password that cannot be used.
        screen.expect("codelab serve")
        assert screen.wait() == 1
        assert "Password" not in screen.screen
