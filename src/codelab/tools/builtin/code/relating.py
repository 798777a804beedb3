"""related_files."""

from __future__ import annotations

import contextlib
import posixpath

import msgspec

from codelab.sdk import Category, Risk, Tool, ToolContext, ToolError, ToolResult
from codelab.sdk.code.grammars import LONGEST_TEXT, imports, language_of
from codelab.sdk.errors import CodeLabError
from codelab.sdk.workspace import Workspace
from codelab.tools.builtin.code.resolving import (
    MANIFESTS,
    Manifest,
    candidates,
    folders_above,
    related,
)
from codelab.tools.builtin.fields import FilePath

ROOT = "."
_MOST = 60
_MOST_FOLDERS = 2000
_LANGUAGES = "Python, JavaScript, TypeScript, Go, Rust, Java and Dart"


class RelatedFilesParameters(msgspec.Struct, frozen=True, kw_only=True):
    """Whose imports to follow."""

    path: FilePath


class RelatedFiles(Tool[RelatedFilesParameters]):
    """Names the files of the workspace that a file imports."""

    name = "related_files"
    description = (
        "Name the files of the workspace that a file imports, so that you can read what belongs "
        f"together. For {_LANGUAGES}."
    )
    parameters = RelatedFilesParameters
    category = Category.READ
    risk = Risk.LOW

    def paths(self, parameters: RelatedFilesParameters) -> tuple[str, ...]:
        """Name the file."""
        return (parameters.path,)

    async def execute(self, context: ToolContext, parameters: RelatedFilesParameters) -> ToolResult:
        """Follow its imports, one step far."""
        content = await context.workspace.read(parameters.path)
        path, language = content.path, language_of(content.path)
        if not language:
            raise ToolError(
                f"The imports of {path} cannot be followed, only those of {_LANGUAGES}."
            )
        if len(content.text) > LONGEST_TEXT:
            raise ToolError(f"{path} is too long for this. Read its beginning.")
        found = await imports(language, content.text)
        manifest = await _manifest(context.workspace, language, path)
        groups = candidates(language, path, found, manifest)
        present = await _present(context.workspace, groups)
        names = related(language, path, found, manifest, present.__contains__)
        if not names:
            return ToolResult(output=f"{path} imports no file of this workspace.")
        shown = [f"{path} imports:", *names[:_MOST]]
        if len(names) > _MOST:
            shown.append(f"(and {len(names) - _MOST} more)")
        return ToolResult(output="\n".join(shown), truncated=len(names) > _MOST)


async def _manifest(workspace: Workspace, language: str, path: str) -> Manifest:
    for folder in folders_above(path):
        for name in MANIFESTS.get(language, ()):
            try:
                content = await workspace.read(posixpath.join(folder, name))
            except CodeLabError:
                continue
            return Manifest(folder=folder, text=content.text[:LONGEST_TEXT])
    return Manifest()


async def _present(workspace: Workspace, groups: list[tuple[str, ...]]) -> set[str]:
    """Return what there is in the folders that are asked about; a folder's path ends in a slash."""
    known: dict[str, set[str]] = {}
    for place in dict.fromkeys(one for group in groups for one in group):
        await _look_into(workspace, _above(place.rstrip("/")), known)
    return set().union(*known.values())


async def _look_into(workspace: Workspace, folder: str, known: dict[str, set[str]]) -> None:
    """List a folder, if the one above it has it."""
    if folder in known:
        return
    if folder != ROOT:
        await _look_into(workspace, _above(folder), known)
    is_there = folder == ROOT or f"{folder}/" in known[_above(folder)]
    known[folder] = set()
    if is_there and len(known) <= _MOST_FOLDERS:
        with contextlib.suppress(CodeLabError):
            listing = await workspace.list(folder)
            entries = listing.entries
            known[folder] = {f"{one.path}/" if one.is_folder else one.path for one in entries}


def _above(path: str) -> str:
    return posixpath.dirname(path) or ROOT
