"""Which pictures browsers may be shown, told by their first bytes, never by their names; pure."""

from __future__ import annotations

import re

SVG = "image/svg+xml"

_SNIFFED = 4096
_BEGINNINGS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"\x00\x00\x01\x00", "image/x-icon"),
    (b"BM", "image/bmp"),
)
_AVIF_BRANDS = (b"avif", b"avis")
# A comment ends where it first can: otherwise a few dozen could be told apart in too many ways.
_SVG = re.compile(
    rb"\A(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*\?>\s*)?(?:(?><!--.*?-->)\s*)*"
    rb"(?:<!DOCTYPE\s+svg[^>]*>\s*)?<svg[\s>]",
    re.DOTALL | re.IGNORECASE,
)


def image_type(data: bytes) -> str:
    """Return the media type of a picture; empty when it is none."""
    for beginning, kind in _BEGINNINGS:
        if data.startswith(beginning):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if data[4:8] == b"ftyp" and data[8:12] in _AVIF_BRANDS:
        return "image/avif"
    return SVG if _SVG.match(data[:_SNIFFED]) else ""
