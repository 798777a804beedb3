"""Registers the built-in tools through the same hook as everybody's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from codelab.sdk import Tool, hookimpl
from codelab.tools.builtin.code.relating import RelatedFiles
from codelab.tools.builtin.code.searching import FindReferences, FindSymbol, RepoMap, SearchCode
from codelab.tools.builtin.commands import ExecuteCommand
from codelab.tools.builtin.editing import EditFile
from codelab.tools.builtin.finding import ListFiles, SearchFiles
from codelab.tools.builtin.git.branch import GitBranch, GitBranches
from codelab.tools.builtin.git.checkout import GitCheckout
from codelab.tools.builtin.git.commit import GitCommit
from codelab.tools.builtin.git.looking import GitDiff, GitLog, GitStatus
from codelab.tools.builtin.git.merge import GitMerge
from codelab.tools.builtin.git.pull import GitPull
from codelab.tools.builtin.git.push import GitPush
from codelab.tools.builtin.reading import ReadFile
from codelab.tools.builtin.writing import DeleteFile, WriteFile


@hookimpl
def register_tools() -> Sequence[Tool[Any]]:
    """Return every tool that comes with CodeLab."""
    return (
        ReadFile(),
        ListFiles(),
        SearchFiles(),
        RelatedFiles(),
        SearchCode(),
        FindSymbol(),
        FindReferences(),
        RepoMap(),
        WriteFile(),
        EditFile(),
        DeleteFile(),
        ExecuteCommand(),
        GitStatus(),
        GitDiff(),
        GitLog(),
        GitBranches(),
        GitCommit(),
        GitBranch(),
        GitCheckout(),
        GitMerge(),
        GitPull(),
        GitPush(),
    )
