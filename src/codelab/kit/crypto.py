"""Keys derived from the installation's secret: for the sealing of columns and for signatures."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from codelab.kit.errors import CodeLabError

_FORMAT = b"\x01"
_KEY_ID_BYTES = 4
_NONCE_BYTES = 12
_HEADER_BYTES = len(_FORMAT) + _KEY_ID_BYTES + _NONCE_BYTES


class SealBroken(CodeLabError):
    """A sealed value was changed, or was sealed with a key that is no longer configured."""

    code = "seal_broken"
    title = "Stored data cannot be read"


def derive_key(secret: str, purpose: str) -> bytes:
    """Derive 32 bytes for one purpose from the installation's secret (HKDF-SHA256)."""
    hkdf = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"codelab/{purpose}".encode())
    return hkdf.derive(secret.encode())


class Cipher:
    """Seals values with AES-256-GCM; the key's mark travels with the value, so keys can rotate.

    Layout of a sealed value: format (1 byte), key mark (4), nonce (12), ciphertext with tag.

    Args:
        secrets: The installation's secrets, the one for new values first.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        keys = [derive_key(secret, "columns") for secret in secrets]
        self._ciphers = {_mark(key): AESGCM(key) for key in keys}
        self._current = _mark(keys[0])

    def seal(self, plaintext: bytes, context: str) -> bytes:
        """Encrypt a value; equal plaintexts give different results.

        Args:
            plaintext: The bytes to hide.
            context: Where the value belongs (table, column, row); it must be the same to open.
        """
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._ciphers[self._current].encrypt(nonce, plaintext, context.encode())
        return b"".join((_FORMAT, self._current, nonce, sealed))

    def open(self, sealed: bytes, context: str) -> bytes:
        """Decrypt a value.

        Raises:
            SealBroken: The value or its context was changed, or its key is unknown.
        """
        mark = sealed[1 : 1 + _KEY_ID_BYTES]
        cipher = self._ciphers.get(mark)
        if cipher is None or sealed[:1] != _FORMAT:
            raise SealBroken(
                "A stored value was sealed with a key that is not configured. "
                "Add the former key to CODELAB_SECRET_KEYS_PREVIOUS."
            )
        nonce = sealed[1 + _KEY_ID_BYTES : _HEADER_BYTES]
        try:
            return cipher.decrypt(nonce, sealed[_HEADER_BYTES:], context.encode())
        except (InvalidTag, ValueError):
            # ValueError: it was cut off within the nonce.
            raise SealBroken("A stored value was changed outside CodeLab.") from None

    def is_current(self, sealed: bytes) -> bool:
        """Tell whether the value was sealed with the key for new values."""
        return sealed[1 : 1 + _KEY_ID_BYTES] == self._current


class Signer:
    """Signs texts with HMAC-SHA256; what a former key signed still counts.

    Args:
        secrets: The installation's secrets, the one for new signatures first.
        purpose: What is signed; a signature for another purpose does not count.
    """

    def __init__(self, secrets: Sequence[str], purpose: str) -> None:
        self._keys = [derive_key(secret, purpose) for secret in secrets]

    def sign(self, text: str) -> str:
        """Return the text's signature in hexadecimal."""
        return _signature(self._keys[0], text)

    def signed(self, text: str, signature: str, *, oldest: int | None = None) -> int | None:
        """Find the key that made this signature of the text.

        Args:
            text: What was signed.
            signature: As `sign` returned it.
            oldest: The place of the oldest key that counts; none: all of them do.

        Returns:
            The key's place, 0 for the one for new signatures; none when no key made it.
        """
        given = signature.encode()
        keys = self._keys if oldest is None else self._keys[: oldest + 1]
        for place, key in enumerate(keys):
            if hmac.compare_digest(_signature(key, text).encode(), given):
                return place
        return None


def _signature(key: bytes, text: str) -> str:
    return hmac.digest(key, text.encode(), "sha256").hex()


def _mark(key: bytes) -> bytes:
    return hashlib.sha256(b"codelab-key-mark" + key).digest()[:_KEY_ID_BYTES]
