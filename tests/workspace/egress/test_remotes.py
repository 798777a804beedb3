"""Which remotes git may reach, and the settings that it gets instead of the repository's own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelab.workspace.egress.destinations import Network, parse_destinations
from codelab.workspace.egress.remotes import (
    access_with_remote,
    network_of,
    nickname_in,
    parse_remote,
    settings_text,
)
from codelab.workspace.errors import RemoteRefused
from codelab.workspace.sandbox.box import Access

URL = "https://git.example.org/team/project.git"
SETTING = "CODELAB_GIT_REMOTES"


def named(*texts: str) -> Network:
    return Network(parse_destinations(texts, SETTING), SETTING)


@pytest.mark.parametrize(
    ("url", "place"),
    [
        (URL, "git.example.org:443"),
        ("http://GIT.example.org./x", "git.example.org:80"),
        ("https://git.example.org:8443/x", "git.example.org:8443"),
        ("https://[::1]:8443/x", "[::1]:8443"),
    ],
)
def test_remotes(url: str, place: str) -> None:
    remote = parse_remote(url)
    assert (remote.url, str(remote)) == (url, place)


@pytest.mark.parametrize(
    "url",
    [
        *("git@git.example.org:team/project.git", "ssh://git.example.org/x", "git://a.org/x"),
        *(
            "file:///srv/project.git",
            "/srv/project.git",
            "../project.git",
            "ext::sh -c x",
            "origin",
        ),
        *("https://user:secret@a.org/x", "https://user@a.org/x", "https://@a.org/x", "a"),
        *(
            "https://a.org/x?y=z",
            "https://a.org/x#y",
            "https:///x",
            "https://127.1/x",
            "https://a:0",
        ),
        *('https://a.org/"x', "https://a.org/\\x", "https://a.org/x y", "https://a.org/\nx", ""),
        *("https://a.org:99999/x", "https://[::1/x", "HTTPS//a.org", f"https://a.org/{'x' * 2000}"),
    ],
)
def test_what_is_no_remote_that_can_be_reached(url: str) -> None:
    with pytest.raises(RemoteRefused):
        parse_remote(url)


def test_a_secret_in_an_address_is_not_repeated() -> None:
    with pytest.raises(RemoteRefused) as refused:
        parse_remote("https://user:secret@a.org/x")
    assert "secret" not in refused.value.message


def test_one_remote_is_opened_and_nothing_beside_it() -> None:
    network = network_of(parse_remote(URL), named("*.example.org", "10.0.0.1:80"))
    assert network.destinations.names("git.example.org", 443)
    for place in (("git.example.org", 80), ("other.example.org", 443), ("10.0.0.1", 80)):
        assert not network.destinations.names(*place)


@pytest.mark.parametrize("texts", [(), ("example.org",), ("git.example.org:80",)])
def test_what_is_not_named_is_refused_and_the_setting_is_said(texts: tuple[str, ...]) -> None:
    with pytest.raises(RemoteRefused, match=SETTING):
        network_of(parse_remote(URL), named(*texts))


def test_what_reaches_a_remote() -> None:
    assert access_with_remote(("push", "origin")) is Access.HISTORY
    assert access_with_remote(("fetch", "origin")) is Access.HISTORY
    assert access_with_remote(("ls-remote", "origin")) is Access.READ
    for words in ((), ("pull", "origin"), ("clone", URL), ("-c", "a=b", "fetch"), ("submodule",)):
        with pytest.raises(RemoteRefused):
            access_with_remote(words)


def test_the_arguments_name_the_remote_that_was_approved() -> None:
    remote = parse_remote(URL)
    assert nickname_in(("push", "--force-with-lease", "origin", "main"), remote) == "origin"
    assert nickname_in(("fetch", "team/up-stream", "x"), remote) == "team/up-stream"
    assert nickname_in(("fetch", URL), remote) == ""
    for word in (
        *("https://git.example.org/other.git", "git.example.org:x", "/srv/x", "./x", "../x"),
        *("ext::sh -c x", '"]', "a b", "a\nb", ""),
    ):
        with pytest.raises(RemoteRefused):
            nickname_in(("push", word), remote)
    with pytest.raises(RemoteRefused):
        nickname_in(("push", "--all"), remote)


@given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=10), st.text(max_size=10))
def test_settings_hold_what_we_write_and_nothing_else(
    path: str, nickname: str, objects: str, references: str
) -> None:
    try:
        remote = parse_remote(f"https://git.example.org/{path}")
        nickname = nickname_in(("push", nickname), remote)
    except RemoteRefused:
        return
    lines = settings_text(remote, nickname, objects, references).splitlines()
    names = [line.split(" = ")[0].strip() for line in lines]
    assert set(names) <= {
        *("[core]", "bare", "repositoryFormatVersion", "[extensions]", "objectFormat"),
        *("refStorage", f'[remote "{nickname}"]', "url", "fetch"),
    }
    assert lines.count(f'\turl = "{remote.url}"') == bool(nickname)


def test_settings_say_how_the_repository_is_kept() -> None:
    remote = parse_remote(URL)
    assert "[extensions]" not in settings_text(remote, "", "sha1", "--show-ref-format")
    long = settings_text(remote, "", "sha256", "reftable")
    assert "objectFormat = sha256" in long
    assert "refStorage = reftable" in long
    assert "repositoryFormatVersion = 1" in long
