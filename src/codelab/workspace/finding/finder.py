"""Finding and replacing by a human's hand: file names, matches, and changes of many files."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Annotated

import msgspec

from codelab.auth.api import Principal
from codelab.kit.bus import Bus
from codelab.kit.errors import CodeLabError
from codelab.workspace import files
from codelab.workspace.children import can_be_asked_for
from codelab.workspace.entrance import Entrance
from codelab.workspace.errors import FileChanged
from codelab.workspace.events import FileWritten, WorkspaceEvent
from codelab.workspace.finding import occurrences, ripgrep
from codelab.workspace.finding.occurrences import Occurrences, Place, SearchQuery
from codelab.workspace.finding.quick_open import MOST_NAMES, Names, likeliest, names_of
from codelab.workspace.folder import Folder
from codelab.workspace.names import clean
from codelab.workspace.present import LARGEST_READ
from codelab.workspace.rules import Rules
from codelab.workspace.text import decode, digest_of

_NAMES_OUTPUT = 40_000_000
# Named files per run: a command line has an end.
_AT_ONCE = 100

Offset = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class FileNames(msgspec.Struct, frozen=True, kw_only=True):
    """Paths of files, the likeliest first; `truncated` when not all files were looked at."""

    paths: tuple[str, ...]
    truncated: bool


class Chosen(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file in which to replace.

    Args:
        path: The file.
        hash: The SHA-256 that its bytes must have, as the preview said.
        offsets: The matches to be replaced, by their offsets; none: all of them.
    """

    path: Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]
    hash: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    offsets: Annotated[tuple[Offset, ...], msgspec.Meta(max_length=10_000)] | None = None


class ReplacedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was changed; `hash` is the SHA-256 of its new bytes."""

    path: str
    hash: str


class SkippedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was left as it is, and why."""

    path: str
    code: str
    reason: str


class Replaced(msgspec.Struct, frozen=True, kw_only=True):
    """What became of each file that was to be changed."""

    files: tuple[ReplacedFile, ...]
    skipped: tuple[SkippedFile, ...]


class Finder:
    """Finds files and matches, and replaces them.

    Args:
        entrance: Checks and counts who enters.
        bus: Tells of changed files, and is told of them.
        fresh_s: So long a list of names answers further letters, and is kept; what is saved here
            is known at once.
    """

    def __init__(self, entrance: Entrance, bus: Bus, *, fresh_s: float = 5.0) -> None:
        self._entrance = entrance
        self._bus = bus
        self._fresh_s = fresh_s
        self._names: dict[str, asyncio.Task[Names]] = {}
        bus.subscribe(WorkspaceEvent, self._forget)

    async def names(
        self, principal: Principal, workspace_id: str, query: str, limit: int
    ) -> FileNames:
        """Return the files that some letters may mean, without what is ignored."""
        folder = await self._entrance.look_in(principal, workspace_id)
        names = await self._names_in(workspace_id, folder)
        paths = await asyncio.to_thread(likeliest, names, query, limit)
        return FileNames(paths=tuple(paths), truncated=not names.is_complete)

    async def search(
        self,
        principal: Principal,
        workspace_id: str,
        query: SearchQuery,
        replacement: str = "",
    ) -> Occurrences:
        """Find all matches, each with what would stand there after a replacement."""
        folder = await self._entrance.enter(principal, workspace_id)
        mark = occurrences.new_mark()
        arguments = occurrences.arguments(query, mark, replacement)
        found = await folder.ripgrep(arguments, most_output=occurrences.MOST_OUTPUT)
        return await folder.work(
            lambda root, rules: occurrences.shown(
                found,
                mark,
                lambda path: files.read(root, rules, clean(path))[0],
                lambda path: rules.lists(root, path),
            )
        )

    async def replace(
        self,
        principal: Principal,
        workspace_id: str,
        query: SearchQuery,
        replacement: str,
        chosen: Sequence[Chosen],
    ) -> Replaced:
        """Replace matches, file by file; one that changed since it was looked at is left alone."""
        folder = await self._entrance.enter(principal, workspace_id)
        done: list[ReplacedFile] = []
        skipped: list[SkippedFile] = []
        for start in range(0, len(chosen), _AT_ONCE):
            some = chosen[start : start + _AT_ONCE]
            by_file = await _places(folder, query, replacement, some)
            for one in some:
                try:
                    if done:
                        await self._entrance.count(principal)
                    path = clean(one.path)
                    digest = await folder.work(_replacing(one, path, by_file.get(path, ())))
                except CodeLabError as error:
                    skipped.append(
                        SkippedFile(path=one.path, code=error.code, reason=error.message)
                    )
                    continue
                done.append(ReplacedFile(path=path, hash=digest))
                self._bus.publish(
                    FileWritten(
                        workspace_id=workspace_id,
                        user_id=principal.user_id,
                        path=path,
                        digest=digest,
                    )
                )
        return Replaced(files=tuple(done), skipped=tuple(skipped))

    def _forget(self, event: WorkspaceEvent) -> None:
        self._names.pop(event.workspace_id, None)

    def _drop(self, workspace_id: str, listing: asyncio.Task[Names]) -> None:
        if self._names.get(workspace_id) is listing:
            del self._names[workspace_id]

    async def _names_in(self, workspace_id: str, folder: Folder) -> Names:
        listing = self._names.get(workspace_id)
        if listing is None or _has_failed(listing):
            listing = self._names[workspace_id] = asyncio.create_task(_list_names(folder))
            loop = asyncio.get_running_loop()
            loop.call_later(self._fresh_s, self._drop, workspace_id, listing)
        # Whoever types on, and so asks no more for these letters, ends nobody else's list.
        return await asyncio.shield(listing)


def _has_failed(listing: asyncio.Task[Names]) -> bool:
    return listing.done() and (listing.cancelled() or listing.exception() is not None)


async def _list_names(folder: Folder) -> Names:
    arguments = [*ripgrep.PLAIN, "--files", "--hidden", "--null", *ripgrep.NOTHING_EXCLUDED]
    found = await folder.ripgrep([*arguments, "--", "./"], most_output=_NAMES_OUTPUT)

    def read() -> Names:
        paths = [path.removeprefix("./") for path in found.text.split("\0")[:-1]]
        fit = [path for path in paths if can_be_asked_for(path)][:MOST_NAMES]
        is_complete = len(paths) <= MOST_NAMES and not (found.truncated or found.is_broken_off)
        return names_of(fit, is_complete=is_complete)

    return await asyncio.to_thread(read)


async def _places(
    folder: Folder, query: SearchQuery, replacement: str, chosen: Sequence[Chosen]
) -> dict[str, list[Place]]:
    mark = occurrences.new_mark()
    paths = []
    for one in chosen:
        try:
            paths.append(clean(one.path))
        except CodeLabError:
            continue  # It is refused by itself later, with its reason.
    if not paths:
        return {}
    arguments = occurrences.arguments(query, mark, replacement, paths=paths)
    found = await folder.ripgrep(arguments, most_output=_NAMES_OUTPUT)
    if found.truncated or found.is_broken_off:
        return {}
    return occurrences.places(found, mark)


def _replacing(one: Chosen, path: str, inside: Sequence[Place]) -> Callable[[int, Rules], str]:
    def work(root: int, rules: Rules) -> str:
        now = files.present(root, rules, path)
        chosen = None if one.offsets is None else frozenset(one.offsets)
        if now is None or now.digest != one.hash:
            raise FileChanged(f"{path} was changed since it was looked at.", field="path")
        decode(now.data, path)
        data = occurrences.replaced(now.data, inside, chosen)
        if data is None or (data == now.data and not inside):
            raise FileChanged(f"{path} no longer holds what was found.", field="path")
        files.write(root, rules, path, data, now.digest, largest=LARGEST_READ)
        return digest_of(data)

    return work
