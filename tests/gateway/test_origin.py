"""Which pages may open a socket."""

import pytest

from codelab.gateway.origin import is_allowed, parse

HOST = "code.example.org"
PAGES = ("https://ide.example.org", "http://localhost:5173")
ALLOWED = {parsed for text in PAGES if (parsed := parse(text))}


@pytest.mark.parametrize(
    ("origin", "secure", "allowed"),
    [
        (f"https://{HOST}", True, True),
        (f"https://{HOST}:443", True, True),
        (f"HTTPS://{HOST.upper()}", True, True),
        (f"http://{HOST}", False, True),
        (f"http://{HOST}:80", False, True),
        # The other scheme is another origin.
        (f"http://{HOST}", True, False),
        (f"https://{HOST}", False, False),
        (f"ws://{HOST}", False, False),
        # Look-alikes.
        (f"https://{HOST}.evil.example", True, False),
        (f"https://evil{HOST}", True, False),
        (f"https://evil.example/{HOST}", True, False),
        (f"https://evil.example?{HOST}", True, False),
        (f"https://{HOST}@evil.example", True, False),
        (f"https://evil.example#@{HOST}", True, False),
        (f"https://{HOST}:8443", True, False),
        (f"https://{HOST}.", True, False),
        (f"https://{HOST}/", True, False),
        (f"https://{HOST}?", True, False),
        (f"https://{HOST}#", True, False),
        (f"https://{HOST}\\@evil.example", True, False),
        (f"https://{HOST}\t", True, False),
        (f"https://{HOST} https://evil.example", True, False),
        ("null", True, False),
        ("", True, False),
        ("https://", True, False),
        ("https://[::1", True, False),
        (f"https://{HOST}:99999", True, False),
        (f"file://{HOST}", True, False),
        # What the administrator allows, exactly.
        ("https://ide.example.org", True, True),
        ("https://ide.example.org", False, True),
        ("http://localhost:5173", True, True),
        ("http://ide.example.org", True, False),
        ("https://sub.ide.example.org", True, False),
        ("https://ide.example.org.evil.example", True, False),
        ("http://localhost", True, False),
    ],
)
def test_only_the_own_and_the_allowed_origins(origin: str, secure: bool, allowed: bool) -> None:
    assert is_allowed([origin], [HOST], secure, ALLOWED) is allowed


def test_a_program_sends_no_origin() -> None:
    assert is_allowed([], [HOST], True, ())


def test_doubled_headers_are_refused() -> None:
    own = f"https://{HOST}"
    assert not is_allowed([own, own], [HOST], True, ())
    assert not is_allowed([own], [HOST, HOST], True, ())
    assert not is_allowed([own], [], True, ())


def test_a_host_with_a_port() -> None:
    assert is_allowed(["http://127.0.0.1:8000"], ["127.0.0.1:8000"], False, ())
    assert is_allowed(["http://[::1]:8000"], ["[::1]:8000"], False, ())
    assert not is_allowed(["http://127.0.0.1"], ["127.0.0.1:8000"], False, ())
