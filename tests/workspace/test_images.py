"""What a picture is told by."""

import pytest

from codelab.workspace.images import SVG, image_type

COMMENTS = b"<!-- a > b -->\n" * 200


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b'<?xml version="1.0"?>' + COMMENTS + b"<!DOCTYPE svg><svg>", SVG),
        # Two hundred comments are one way to read it, and not all of their combinations.
        (COMMENTS + b"<html><svg>", ""),
        (b"<!-- <svg> ", ""),
        (b"RIFF\0\0\0\0WEBP", "image/webp"),
        (b"", ""),
    ],
)
def test_a_picture_is_told_by_its_beginning(data: bytes, kind: str) -> None:
    assert image_type(data) == kind
