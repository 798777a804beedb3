"""Bytes of a text file to text and back, without losing a byte; pure."""

from __future__ import annotations

import codecs
import hashlib

from codelab.workspace.errors import NotText

_SNIFFED = 8192
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def digest_of(data: bytes) -> str:
    """Return the SHA-256 of the bytes in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def encoding_of(data: bytes) -> str:
    """Tell how the bytes are encoded, by their byte order mark; UTF-8 without one."""
    return next((name for mark, name in _BOMS if data.startswith(mark)), "utf-8")


def decode(data: bytes, path: str) -> str:
    """Return the text without its byte order mark; line endings stay as they are.

    Raises:
        NotText: The bytes are binary or not valid in their encoding.
    """
    encoding = encoding_of(data)
    if encoding == "utf-8" and b"\0" in data[:_SNIFFED]:
        raise NotText(f"{path} is a binary file.", field="path")
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise NotText(
            f"{path} is not valid {encoding.upper()}: "
            f"byte 0x{data[error.start]:02x} at position {error.start}.",
            field="path",
        ) from None


def encode(text: str, encoding: str) -> bytes:
    """Return the bytes, with the byte order mark that belongs to the encoding.

    Raises:
        NotText: The text holds half of a surrogate pair.
    """
    mark = "\ufeff" if encoding.startswith("utf-16") else ""
    try:
        return (mark + text).encode(encoding)
    except UnicodeEncodeError:
        raise NotText("The content is not valid Unicode text.", field="content") from None
