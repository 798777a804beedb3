"""The secret key: what is strong enough, and the one that is made on the first start."""

from __future__ import annotations

import base64
import os
import re
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from codelab.kit.secret_key import (
    SecretKeyUnusable,
    SecretKeyWeak,
    check,
    new_key,
    read_or_make,
)


def test_every_new_key_is_strong_enough() -> None:
    keys = {new_key() for _ in range(3000)}
    assert len(keys) == 3000
    for key in keys:
        check(key)


def test_what_common_tools_make_is_strong_enough() -> None:
    for _ in range(300):
        noise = os.urandom(32)
        check(noise.hex())
        # The words of placeholders turn up in one of several ten thousand of these.
        if not re.search("your|xxxx", text := base64.b64encode(noise).decode(), re.IGNORECASE):
            check(text)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "hunter2",
        "changeme-changeme-changeme-changeme-changeme",
        "your-very-own-key-0123456789abcdefghijk",
        "PLACEHOLDER-PLACEHOLDER-PLACEHOLDER-12",
        "my-secret-key-that-is-long-enough-for-you",
        "a" * 64,
        "ab" * 32,
        "0123456789abcdef0123456789abcdef",
        "abcdefghijklmnopqrstuvwxyz0123456789",
        "zyxwvutsrqponmlkjihgfedcba9876543210",
        "q8P+3vJ0s1Zr/7XyB5tLk" * 2,
        "XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX",
    ],
)
def test_what_can_be_guessed_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(SecretKeyWeak) as refused:
        check(key)
    assert "CODELAB_SECRET_KEY" in refused.value.message
    assert "codelab secret" in refused.value.message
    assert not key or key not in refused.value.message


def test_the_first_start_makes_a_key_that_stays(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    key = read_or_make(folder)
    check(key)
    assert read_or_make(folder) == key
    assert [file.name for file in folder.iterdir()] == ["secret.key"]
    assert stat.S_IMODE((folder / "secret.key").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_two_first_starts_at_once_agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as threads:
        keys = set(threads.map(lambda _: read_or_make(tmp_path), range(64)))
    assert len(keys) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["secret.key"]


@pytest.mark.parametrize("content", [b"", b"half-a-key", b"\n", b"a" * 43])
def test_half_a_key_is_not_used(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "secret.key").write_bytes(content)
    with pytest.raises(SecretKeyWeak):
        read_or_make(tmp_path)


@pytest.mark.parametrize("kind", ["folder", "binary", "no folder"])
def test_a_file_that_cannot_be_used_is_one_sentence(tmp_path: Path, kind: str) -> None:
    folder = tmp_path
    if kind == "folder":
        (tmp_path / "secret.key").mkdir()
    elif kind == "binary":
        (tmp_path / "secret.key").write_bytes(b"\xff" * 43)
    else:
        folder = tmp_path / "file"
        folder.write_text("in the way")
    with pytest.raises(SecretKeyUnusable, match="CODELAB_SECRET_KEY"):
        read_or_make(folder)


def test_a_key_file_that_may_only_be_read_is_enough(tmp_path: Path) -> None:
    key = read_or_make(tmp_path)
    (tmp_path / "secret.key").chmod(0o400)
    tmp_path.chmod(0o500)
    try:
        assert read_or_make(tmp_path) == key
    finally:
        tmp_path.chmod(0o700)
