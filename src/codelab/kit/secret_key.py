"""The installation's secret key: where it comes from, and whether it is strong enough."""

from __future__ import annotations

import math
import os
import secrets
from collections import Counter
from contextlib import suppress
from pathlib import Path

from codelab.kit.errors import CodeLabError

_BYTES = 32
_FILE = "secret.key"
# A random text of 43 base64 or 64 hexadecimal characters is far above this.
_LEAST_BITS = 128
_PLACEHOLDERS = ("change", "secret", "example", "password", "placeholder", "your", "codelab", "xxx")


class SecretKeyWeak(CodeLabError):
    """The configured key is a placeholder or too easy to guess."""

    code = "secret_key_weak"
    title = "The secret key is too weak"


def new_key() -> str:
    """Make a key of 32 random bytes, as text without padding."""
    return secrets.token_urlsafe(_BYTES)


def check(key: str) -> None:
    """See that a configured key is strong enough.

    Raises:
        SecretKeyWeak: It is not; says how to make a good one.
    """
    lowered = key.lower()
    if len(key.encode()) < _BYTES:
        what = f"is shorter than {_BYTES} bytes"
    elif any(word in lowered for word in _PLACEHOLDERS) or _bits(key) < _LEAST_BITS:
        what = "looks like a placeholder"
    else:
        return
    raise SecretKeyWeak(f"CODELAB_SECRET_KEY {what}. Make one with `codelab secret`.")


def read_or_make(folder: Path) -> str:
    """Return the key that is kept in the folder; make it on the first start, with mode 0600."""
    file = folder / _FILE
    with suppress(FileExistsError):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Written whole under another name first: a start that dies leaves no half key behind.
        draft = folder / f"{_FILE}.{os.getpid()}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as handle:
            handle.write(new_key())
        try:
            os.link(draft, file)
        finally:
            draft.unlink()
    return file.read_text().strip()


def _bits(key: str) -> float:
    counts = Counter(key)
    entropy = -sum(
        count / len(key) * math.log2(count / len(key)) for count in counts.values()
    )
    return entropy * len(key)
