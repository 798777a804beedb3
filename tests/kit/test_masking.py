"""Secrets are hidden, and nothing else is, however the text is made."""

import base64
import hashlib
import itertools
import string
import time
import uuid

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from codelab.kit.masking import mask, mask_key_blocks, masks_in, settled_length

# Made here, so that no scanner of repositories takes them for real ones.
LETTERS = string.ascii_letters + string.digits


COUNTER = itertools.count()


def noise(count: int) -> bytes:
    """Bytes that look random, the same in every process."""
    seed = next(COUNTER).to_bytes(4, "big")
    return hashlib.shake_256(seed).digest(count)


def made(count: int, alphabet: str = LETTERS) -> str:
    return "".join(alphabet[byte % len(alphabet)] for byte in noise(count))


def key_block(kind: str = "RSA PRIVATE KEY", *, heading: str = "") -> str:
    body = "\n".join(made(64) for _ in range(4))
    return f"-----BEGIN {kind}-----\n{heading}{body}\nq1==\n-----END {kind}-----\n"


TOKENS = {
    "GitHub token": ["ghp_" + made(36), "github_pat_" + made(60)],
    "GitLab token": ["glpat-" + made(20)],
    "Slack token": ["xoxb-" + made(12, string.digits) + "-" + made(24)],
    "AWS key": ["AKIA" + made(15, string.ascii_uppercase) + "7"],
    "API key": ["sk-proj-" + made(48)],
    "Anthropic key": ["sk-ant-api03-" + made(90)],
    "Google key": ["AIza" + made(35)],
    "Hugging Face token": ["hf_" + made(34, string.ascii_letters)],
    "Stripe key": ["sk_live_" + made(24)],
    "npm token": ["npm_" + made(36)],
    "CodeLab token": ["codelab_" + made(32, "0123456789abcdef") + "_" + made(43)],
    "JSON Web Token": [f"eyJ{made(20)}.eyJ{made(60)}.{made(43)}"],
}
EACH_TOKEN = [(kind, token) for kind, tokens in TOKENS.items() for token in tokens]
PASSWORD = "Tr0ub4dor&3x"
ASSIGNMENTS = [
    (f'password = "{PASSWORD}"', "password"),
    (f"{{'passwd': '{PASSWORD}'}}", "password"),
    (f'password: str = "{PASSWORD}"', "password"),
    ("DB_PASSWORD=Tr0ub4dor-3x!", "password"),
    (f"  api_key: {made(31, '0123456789abcdef')}7", "key"),
    (f'"clientSecret" : "{made(23)}7"', "secret"),
    (f'SECRET_KEY = "{made(50)}"', "key"),
    (f"aws_secret_access_key={made(39)}7", "key"),
    (rf"{{\"token\": \"{made(29)}7\"}}", "token"),
    (f"https://host/path?access_token={made(39)}7&page=2", "token"),
    (f"Authorization: Bearer {made(39)}7", "token"),
    ("postgresql://app:S3kJ1-x@db/name", "password"),
    ("redis://:S3kJ1-x@cache:6379/0", "password"),
]
HARMLESS = [
    hashlib.sha256(b"x").hexdigest(),
    hashlib.sha1(b"x", usedforsecurity=False).hexdigest(),
    f"{hashlib.md5(b'x', usedforsecurity=False).hexdigest()}  file.txt",
    str(uuid.UUID(int=2**127 + 5)),
    f'"integrity": "sha512-{base64.b64encode(hashlib.sha512(b"x").digest()).decode()}"',
    "data:image/png;base64," + base64.b64encode(noise(3000)).decode(),
    "\n".join(made(76) for _ in range(20)),
    f'token_hash = "{hashlib.sha256(b"y").hexdigest()}"',
    'name = "secrecy"\nversion = "0.10.3"\nchecksum = "9bd1c54ea06cfd2f6b63219704de0b9b4f72dcc2"',
    '"csrf-token": "^10.0.12-rc1.2",\n"jsonwebtoken": "^9.0.2",',
    'token = request.headers["x-token-1"]',
    "password = get_password2()",
    "password: str = Field(min_length=8)",
    "max_tokens: 100000\ntotal_tokens=1234567890123",
    'secret = os.environ["SECRET_KEY_2"]',
    "password=${DB_PASSWORD_2}\npassword: {{ vault.password_2 }}",
    'api_key = "your-api-key-123"',
    "postgresql://user:password@localhost/db",
    "git@host:a/b.git and http://[::1]:8080/a@b",
    "sk-fading-circle-animation-delay-2",
    '<input type="password" id="pw12345678" name="x">',
    "token = hash_sha256_hex\nlogin(token=accessToken2Value)",
    "ghp_" + "x" * 36,
    "Basic authentication with bearer tokens is RFC 6750",
    'if "-----BEGIN PRIVATE KEY-----" in a and "-----END PRIVATE KEY-----" in a:\n    return a\n',
    "-----BEGIN CERTIFICATE-----\n" + made(64) + "\n-----END CERTIFICATE-----",
    "Пароль: смотри в файле, токен: неизвестен12345678",
]
PIECES = [
    *(token for _, token in EACH_TOKEN),
    *(line for line, _ in ASSIGNMENTS),
    *HARMLESS[:4],
    *(
        "\n",
        " ",
        "\t",
        '"',
        "'",
        "=",
        ": ",
        "token",
        "password = ",
        "Bearer ",
        "://",
        "@",
        "-",
        "_",
    ),
    *("[masked: key]", "[masked: ", "]", "a", "\u0130", "я", "7", "\r\n", ",", "eyJ", "sk-"),
    key_block(),
]
TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=12).map("".join)


@pytest.mark.parametrize(("kind", "token"), EACH_TOKEN)
@pytest.mark.parametrize("around", ["{}", 'x = "{}"', "a {} b", "URL/{}?x", "KEY={}\n", "  12\t{}"])
def test_tokens_are_replaced_by_what_they_are(kind: str, token: str, around: str) -> None:
    assert mask(around.format(token)) == around.format(f"[masked: {kind}]")


@pytest.mark.parametrize(("line", "kind"), ASSIGNMENTS)
def test_what_is_called_a_secret_is_one(line: str, kind: str) -> None:
    shown = mask(f"before\n{line}\nafter")
    assert shown.count(f"[masked: {kind}]") == 1
    assert shown.startswith("before\n")
    assert shown.endswith("\nafter")
    assert "Tr0ub4dor" not in shown
    assert "S3kJ1-x" not in shown


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_strange_stays(text: str) -> None:
    assert mask(text) == text


@pytest.mark.parametrize("kind", ["PRIVATE KEY", "RSA PRIVATE KEY", "OPENSSH PRIVATE KEY"])
def test_private_keys_lose_every_line_of_theirs(kind: str) -> None:
    heading = "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0123\n\n" if "RSA" in kind else ""
    block = key_block(kind, heading=heading)
    shown = mask(f"one\n{block}two\n")
    hidden = "[masked: private key]\n" * 5
    assert shown == f"one\n-----BEGIN {kind}-----\n{heading}{hidden}-----END {kind}-----\ntwo\n"
    assert mask_key_blocks(block) == mask(block)


def test_private_keys_in_numbered_cut_and_joined_lines() -> None:
    lines = key_block().split("\n")
    numbered = [f"{number:>6}\t{line}" for number, line in enumerate(lines, 1)]
    for part in (numbered, numbered[:3], numbered[2:], [f"+{line}" for line in lines]):
        shown = mask("\n".join(part))
        assert not [line for line in lines[1:5] if line in shown]
        assert len(shown.split("\n")) == len(part)
    joined = '"private_key": "' + key_block().replace("\n", "\\n") + '"'
    assert not [line for line in joined.split("\\n")[1:5] if line in mask(joined)]


@example(f"npm_{'aB3dE5fG7h' * 3}iJ9kL1ghp_{'aB3dE5fG7h' * 4}")
@given(TEXTS)
def test_masking_keeps_lines_and_changes_nothing_when_done_again(text: str) -> None:
    shown = mask(text)
    assert shown.count("\n") == text.count("\n")
    assert mask(shown) == shown
    assert masks_in(text) <= masks_in(shown)


@given(TEXTS, TEXTS, st.sampled_from(EACH_TOKEN))
def test_no_token_is_shown_whatever_is_around(
    before: str, after: str, token: tuple[str, str]
) -> None:
    assert f" {token[1]} " not in mask(f"{before} {token[1]} {after}")


@given(TEXTS, TEXTS)
def test_what_is_settled_does_not_change_any_more(text: str, more: str) -> None:
    if "-----END" in text + more:
        return  # Of a key whose beginning was not shown, the lines before its end are hidden.
    end = settled_length(text)
    assert 0 <= end <= len(text)
    assert mask(text[:end]) + mask(text[end:] + more) == mask(text + more)


@pytest.mark.parametrize(
    "piece",
    [
        *("a", "-", "eyJ", "eyJ-", "sk-", "ghp_ghp_", "t1.", "://a:", "A1b/", "\n", " ", "["),
        *("token=", 'token="', "token=1a2B", "password : ", "Bearer ", "[masked: ", "key key_"),
        *("-----BEGIN PRIVATE KEY-----\n", "-----END PRIVATE KEY-----\n", "eyJaaaaaaaaaaaa."),
        "AAAAAAAAAAAAAAAAAAAAAAAA\n-----END PRIVATE KEY-----\n",
        *("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----"),
        "A: -----BEGIN PRIVATE KEY-----\n",
    ],
)
def test_a_megabyte_takes_no_time_whatever_is_in_it(piece: str) -> None:
    text = (piece * (1_000_000 // len(piece) + 1))[:1_000_000]
    started = time.process_time()
    mask(text)
    settled_length(text)
    assert time.process_time() - started < 5


def test_keys_are_hidden_however_many_begin_and_end_in_a_line() -> None:
    line = "Ab1" * 20
    block = f"{'-----BEGIN PRIVATE KEY-----' * 3}\n{line}\n{'-----END PRIVATE KEY-----' * 3}"
    assert line not in mask(f"{block}\n{block}\n")
    assert line not in mask(f"{line}\n{'-----END PRIVATE KEY-----' * 3}")
    ends = "-----END PRIVATE KEY-----\n"
    assert line not in mask(f"{line}\n{ends}{line}\n{ends}")
