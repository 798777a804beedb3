"""Secrets are recognised and never shown; placeholders are left alone."""

from __future__ import annotations

import time

import pytest
from codelab_review.secrets import HIDDEN, holds_secrets, masked, secret_in

# Put together here, so that no scanner takes this file for a leak.
SECRETS = {
    "AKIA" + "Q3EGRIKLRTW4V7XN": "AWS",
    "ghp_" + "k3Jd83hdKd02jdKfj38dkS": "GitHub",
    "glpat-" + "Zx81kdj39dkKjd83hd_a": "GitLab",
    "xoxb-" + "123456789012-abcdef": "Slack",
    "AIza" + "SyA9dkj3Kd8fj3kd9fj3kd9fj3kd9fj3kdX": "Google",
    "sk-" + "proj-9dkj3Kd8fj3kd9fj3kd9": "model",
    "sk_live_" + "9dkj3Kd8fj3kd9fj": "payment",
    "eyJ" + "hbGciOiJIUzI1NiJ9.eyJ" + "zdWIiOiIxMjM0NTYifQ.c2lnbmF0dXJlMTIz": "signed",
}


@pytest.mark.parametrize("secret", SECRETS)
def test_a_known_form_is_named_and_hidden(secret: str) -> None:
    line = f'KEY = "{secret}"  # mine'
    assert SECRETS[secret] in secret_in(line)
    (shown,) = masked([line])
    assert secret not in shown
    assert HIDDEN in shown and shown.endswith("# mine")


@pytest.mark.parametrize(
    "line",
    [
        'password = "hunter2-and-more"',
        "api_key: 'k39dk30dk39dk'",
        '{"client_secret": "0ddba11c0ffee"}',
        'url = "postgresql://app:s3cr3tpw@db/app"',
    ],
)
def test_an_assigned_value_is_named_and_hidden(line: str) -> None:
    assert secret_in(line)
    (shown,) = masked([line])
    assert HIDDEN in shown
    for value in ("hunter2", "k39dk", "0ddba11", "s3cr3tpw"):
        assert value not in shown


@pytest.mark.parametrize(
    "line",
    [
        'password = os.environ["PASSWORD"]',
        'password = "changeme-please"',
        'API_KEY = "your-key-goes-here"',
        'token = "xxxxxxxxxxxx"',
        'secret = "${SECRET_FROM_CI}"',
        "def token(value: str) -> str:",
        'url = "https://example.org/path:colon@home"',
        "redis://localhost:6379/0",
    ],
)
def test_what_is_no_secret_stays(line: str) -> None:
    assert not secret_in(line)
    assert masked([line]) == [line]


def test_a_private_key_is_hidden_from_its_first_line_to_its_last() -> None:
    begin, end = ("-----" + word + " RSA PRIVATE KEY-----" for word in ("BEGIN", "END"))
    assert secret_in(begin)
    assert masked(["a", begin, "MIIE", "short", end, "b"]) == ["a", *[HIDDEN] * 4, "b"]
    assert masked(["MIIEpAIBAAKCAQEA" * 4]) == [HIDDEN]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (".env", True),
        ("app/.env.production", True),
        (".env.example", False),
        ("keys/id_rsa", True),
        ("keys/id_rsa.pub", False),
        ("server.pem", True),
        ("environment.py", False),
    ],
)
def test_files_that_usually_hold_secrets(path: str, expected: bool) -> None:
    assert holds_secrets(path) == expected


@pytest.mark.parametrize(
    "piece", ["token", "eyJ-", "a+", "-----BEGIN ", "token='x", "x://a:", 'secret="', " "]
)
def test_no_text_makes_the_search_slow(piece: str) -> None:
    text = piece * (50_000 // len(piece))
    started = time.perf_counter()
    secret_in(text)
    masked([text])
    assert time.perf_counter() - started < 0.5
