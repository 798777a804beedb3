"""What encoders are given of an index's pieces, read from the files as agents may see them."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence

from codelab.kit.errors import CodeLabError
from codelab.retrieval.chunks.passage import passage
from codelab.retrieval.index.entries import FoundPiece
from codelab.retrieval.index.opening import ReadableIndex
from codelab.retrieval.index.readers import Readers
from codelab.sdk.workspace import FileContent
from codelab.workspace.api import Workspaces


class Passages:
    """Says which pieces should have vectors, and what stands for each.

    Args:
        readers: Where indexes are asked.
        workspaces: Opens the files.
    """

    def __init__(self, readers: Readers, workspaces: Workspaces) -> None:
        self._readers = readers
        self._workspaces = workspaces

    async def wanted(
        self, workspace_id: str, paths: Collection[str] | None = None
    ) -> Collection[str]:
        """Return the digests of the pieces that lie in the workspace now: of all, or of some paths.

        A folder's path stands for all that is below it.
        """

        def asked(index: ReadableIndex) -> list[str]:
            if paths is None:
                return [*index.catalogue.digests()]
            return index.catalogue.digests_of(paths)

        return await self._readers.ask(workspace_id, asked) or ()

    async def retained(self, workspace_id: str) -> Collection[str]:
        """Return the digests of all pieces that are remembered, those of earlier versions too."""
        found = await self._readers.ask(
            workspace_id, lambda index: [*index.catalogue.digests(earlier=True)]
        )
        return found or ()

    async def texts(self, workspace_id: str, digests: Collection[str]) -> Mapping[str, str]:
        """Return what the encoder is given for each digest, without those that changed since."""
        alike = await self._readers.ask(
            workspace_id, lambda index: index.catalogue.pieces_with(digests)
        )
        by_file: dict[str, list[FoundPiece]] = {}
        for pieces in (alike or {}).values():
            by_file.setdefault(pieces[0].path, []).append(pieces[0])
        folder = await self._workspaces.open(workspace_id)
        texts: dict[str, str] = {}
        for path, some in by_file.items():
            try:
                content = await folder.read(path)
            except CodeLabError:
                continue
            texts |= await asyncio.to_thread(_passages, content, some)
        return texts


def _passages(content: FileContent, pieces: Sequence[FoundPiece]) -> dict[str, str]:
    lines = content.text.split("\n")
    return {
        piece.digest: passage(
            piece.path, piece.names, "\n".join(lines[piece.first - 1 : piece.last])
        )
        for piece in pieces
        if piece.version == content.digest
    }
