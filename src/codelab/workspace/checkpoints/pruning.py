"""Which snapshots are forgotten: those of sessions that are gone, old ones, too many."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from codelab.kit.ids import is_id
from codelab.workspace.checkpoints.store import SnapshotStore, refs_of
from codelab.workspace.leftovers import is_older

KEPT_S = 7 * 24 * 3600.0

_MB = 1_000_000
_LEFT_OVER_S = 3600.0
# Single files that are worth being put together: reading many of them is slow.
_MANY_LOOSE = 2000
_FOLDERS = 256

Ref = tuple[str, str]


def outdated(refs: Sequence[Ref], now: float) -> list[Ref]:
    """Return the snapshots that are older than a week; pure."""
    return [ref for ref in refs if is_older(ref[1], KEPT_S, now)]


def older_half(refs: Sequence[Ref]) -> list[Ref]:
    """Return the older half, at least one; pure."""
    return sorted(refs, key=lambda ref: ref[1])[: (len(refs) + 1) // 2]


class Pruner:
    """Keeps a store within its bounds.

    Args:
        store: The store.
    """

    def __init__(self, store: SnapshotStore) -> None:
        self._store = store

    async def workspaces(self) -> list[str]:
        """Return the workspaces that have snapshots."""

        def names() -> list[str]:
            with suppress(OSError):
                return sorted(one.name for one in self._store.folder.iterdir() if is_id(one.name))
            return []

        return await asyncio.to_thread(names)

    async def sessions(self, workspace_id: str) -> frozenset[str]:
        """Return the sessions that snapshots of a workspace are for."""
        refs = await asyncio.to_thread(refs_of, self._store.folder / workspace_id)
        return frozenset(session for session, _ in refs)

    async def prune(
        self, workspace_id: str, gone: Iterable[str] = (), *, now: float | None = None
    ) -> int:
        """Forget what is old, too much, or of sessions that are gone; return the bytes left."""
        moment = time.time() if now is None else now
        gone = frozenset(gone)
        async with self._store.opened(workspace_id) as place:
            await asyncio.to_thread(_clear_left_over, place, moment)
            refs = await asyncio.to_thread(refs_of, place)
            old = {*outdated(refs, moment), *(ref for ref in refs if ref[0] in gone)}
            await self._drop(place, old)
            if await asyncio.to_thread(_is_scattered, place) or old:
                await self._store.collect(place)
            refs = [ref for ref in refs if ref not in old]
            most = self._store.keeping.workspace_mb * _MB
            while (size := await asyncio.to_thread(_size_of, place)) > most and refs:
                refs = await self._halve(place, refs)
        return size

    async def shrink(self, sizes: dict[str, int]) -> None:
        """Halve the largest until all together are within the bound.

        Args:
            sizes: The bytes of each workspace's snapshots.
        """
        most = self._store.keeping.total_mb * _MB
        while sum(sizes.values()) > most:
            largest = max(sizes, key=lambda name: sizes[name])
            async with self._store.opened(largest) as place:
                refs = await asyncio.to_thread(refs_of, place)
                await self._halve(place, refs)
                left = await asyncio.to_thread(_size_of, place)
            if len(refs) <= 1:
                await self._store.forget(largest)
                left = 0
            sizes[largest] = left

    async def _halve(self, place: Path, refs: Sequence[Ref]) -> list[Ref]:
        half = older_half(refs)
        await self._drop(place, set(half))
        if len(half) == len(refs):
            # What the next snapshot is compared with holds contents, too.
            (place / "index").unlink(missing_ok=True)
        await self._store.collect(place)
        return [ref for ref in refs if ref not in half]

    async def _drop(self, place: Path, refs: set[Ref]) -> None:
        if refs:
            await asyncio.to_thread(_drop, place, refs)


def _drop(place: Path, refs: set[Ref]) -> None:
    packed = place / "packed-refs"
    names = {f"refs/checkpoints/{session}/{name}" for session, name in refs}
    if packed.exists():
        lines = packed.read_text("utf-8").splitlines(keepends=True)
        kept = [line for line in lines if line.partition(" ")[2].strip() not in names]
        fresh = place / "packed-refs.new"
        fresh.write_text("".join(kept), "utf-8")
        fresh.replace(packed)
    for name in names:
        (place / name).unlink(missing_ok=True)
        with suppress(OSError):
            (place / name).parent.rmdir()


def _clear_left_over(place: Path, now: float) -> None:
    for path in place.iterdir():
        name, _, _ = path.name.partition(".")
        if "." in path.name and is_older(name, _LEFT_OVER_S, now):
            path.unlink(missing_ok=True)


def _is_scattered(place: Path) -> bool:
    # As git itself does it: one of 256 folders tells how full the others are.
    with suppress(OSError):
        return sum(1 for _ in (place / "objects" / "17").iterdir()) * _FOLDERS > _MANY_LOOSE
    return False


def _size_of(place: Path) -> int:
    total = 0
    for folder, _, files in os.walk(place):
        for file in files:
            with suppress(OSError):
                total += Path(folder, file).lstat().st_size
    return total
