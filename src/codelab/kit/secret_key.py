"""The installation's secret key: where it comes from, and whether it is strong enough."""

from __future__ import annotations

import math
import os
import secrets
import tempfile
from collections import Counter
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

from codelab.kit.errors import CodeLabError

_BYTES = 32
_FILE = "secret.key"
# A random text of 43 base64 or 64 hexadecimal characters is far above this.
_LEAST_BITS = 128
_PLACEHOLDERS = (
    "change",
    "secret",
    "example",
    "password",
    "placeholder",
    "your",
    "codelab",
    "xxxx",
)


class SecretKeyWeak(CodeLabError):
    """The configured key is a placeholder or too easy to guess."""

    code = "secret_key_weak"
    title = "The secret key is too weak"


class SecretKeyUnusable(CodeLabError):
    """The key's file cannot be read or written."""

    code = "secret_key_unusable"
    title = "The secret key cannot be read"


def new_key() -> str:
    """Make a key of 32 random bytes, as text without padding."""
    # Chance spells one of the words that placeholders have now and then.
    while _weakness(key := secrets.token_urlsafe(_BYTES)):
        pass
    return key


def check(key: str, name: str = "CODELAB_SECRET_KEY") -> None:
    """See that a key is strong enough.

    Args:
        key: The key.
        name: Where it comes from, for the message.

    Raises:
        SecretKeyWeak: It is not; says how to make a good one.
    """
    if weakness := _weakness(key):
        raise SecretKeyWeak(f"{name} {weakness}. Make one with `codelab secret`.")


def read_or_make(folder: Path) -> str:
    """Return the key that is kept in the folder; make it on the first start, with mode 0600.

    Raises:
        SecretKeyWeak: What the folder has is not a whole key.
        SecretKeyUnusable: The folder or the file cannot be used.
    """
    file = folder / _FILE
    try:
        if not file.exists():
            _make(file)
        key = file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SecretKeyUnusable(
            f"The secret key in {file} cannot be read or made. Give this user the right to, or "
            "set CODELAB_SECRET_KEY."
        ) from error
    check(key, str(file))
    return key


def _make(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Written whole under a name of its own first: a start that dies leaves no half key behind,
    # and of two at once one wins.
    descriptor, draft = tempfile.mkstemp(prefix=f"{_FILE}.", dir=file.parent)
    try:
        with os.fdopen(descriptor, "w") as handle:
            handle.write(new_key())
            handle.flush()
            os.fsync(handle.fileno())
        with suppress(FileExistsError):
            os.link(draft, file)
    finally:
        Path(draft).unlink()


def _weakness(key: str) -> str:
    """Say what is wrong with a key; nothing when it is strong enough."""
    if len(key.encode()) < _BYTES:
        return f"is shorter than {_BYTES} bytes"
    lowered = key.lower()
    if any(word in lowered for word in _PLACEHOLDERS):
        return "looks like a placeholder"
    if _bits(key) < _LEAST_BITS or _is_pattern(key):
        return "is too regular to be random"
    return ""


def _bits(key: str) -> float:
    counts = Counter(key)
    entropy = -sum(count / len(key) * math.log2(count / len(key)) for count in counts.values())
    return entropy * len(key)


def _is_pattern(key: str) -> bool:
    """Tell whether a key repeats itself, or counts up or down: 01234…, abcd…."""
    repeats = key in (key + key)[1:-1]
    steps = [abs(ord(one) - ord(other)) <= 1 for one, other in pairwise(key)]
    return repeats or sum(steps) > len(steps) / 2
