"""What every vector store can do, whatever engine is behind it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

# Of unit length, so that the inner product of two is their similarity, from -1 to 1. One of a text
# that says nothing is all zeros, and similar to none.
Vector = Sequence[float]


class VectorStore(Protocol):
    """Keeps vectors by workspace and by the digest of the text that each stands for.

    One store holds the vectors of one model: those of another are never compared with them. Every
    call names its workspace and sees nothing of others. Digests are SHA-256 in hexadecimal.

    Any call may raise `VectorsUnavailable`, or `DatabaseUnavailable` where that is its engine.
    """

    async def known(self, workspace_id: str, digests: Collection[str]) -> set[str]:
        """Return those of the digests that have a vector."""
        ...

    async def put(self, workspace_id: str, vectors: Mapping[str, Vector]) -> None:
        """Keep vectors by their digests, in place of those that are there; all or none.

        Raises:
            DimensionsDiffer: They are not as long as those that the store holds.
        """
        ...

    async def nearest(
        self, workspace_id: str, vector: Vector, most: int
    ) -> list[tuple[str, float]]:
        """Return the digests of the nearest vectors with their similarity, the nearest first.

        Raises:
            DimensionsDiffer: It is not as long as those that the store holds.
        """
        ...

    async def count(self, workspace_id: str) -> int:
        """Return how many vectors the workspace has."""
        ...

    async def keep_only(self, workspace_id: str, digests: Collection[str]) -> int:
        """Forget all others of the workspace; return how many they were."""
        ...

    async def forget(self, workspace_id: str) -> None:
        """Forget all of a workspace, those of other models too."""
        ...

    async def forget_other_models(self, workspace_id: str) -> None:
        """Forget what the workspace has of other models than this one."""
        ...

    async def restart(self, dimensions: int) -> None:
        """Forget all vectors of this model, unless they have so many dimensions.

        It is for a model that gives others than before under the same name.
        """
        ...

    async def close(self) -> None:
        """Give back what is held."""
        ...
