"""The fields that several tools share."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

FilePath = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=4000,
        description="Path relative to the workspace, with slashes, such as src/main.py.",
    ),
]
FolderPath = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=4000,
        description="Folder or file relative to the workspace; '.' is all of it.",
    ),
]
