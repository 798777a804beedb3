"""What a human judges a call by, as data: clients lay it out instead of reading the preview."""

from __future__ import annotations

from typing import Literal

import msgspec


class _Facts(msgspec.Struct, frozen=True, kw_only=True):
    pass


class CommandFacts(_Facts, frozen=True, kw_only=True):
    """A command that would run.

    Args:
        folder: Where it runs.
        layer: What keeps it in its box.
        network: What it may reach.
        timeout_s: After how many seconds it is stopped.
        read_only: Whether it may not write into the project.
        parts: The program calls that the command line was understood as.
        doubt: Why that is not certain, if it is not.
    """

    folder: str
    layer: str
    network: str
    timeout_s: int
    read_only: bool = False
    parts: tuple[str, ...] = ()
    doubt: str = ""


class FileFacts(_Facts, frozen=True, kw_only=True):
    """A file that would be written or deleted.

    Args:
        change: What happens to it.
        size: Its bytes now.
        added: Lines that come.
        removed: Lines that go.
        hunks: Places that change.
        tracked: Whether git knows it; absent where there is no repository or nobody asked.
        restorable: Whether a checkpoint brings it back; absent before somebody has found out.
    """

    path: str
    change: Literal["create", "replace", "delete"]
    size: int = 0
    added: int = 0
    removed: int = 0
    hunks: int = 0
    tracked: bool | None = None
    restorable: bool | None = None


class CommittedFile(_Facts, frozen=True, kw_only=True):
    """A file of a commit; `status` is git's two letters, lines are absent where git counts none."""

    path: str
    status: str
    added: int | None = None
    removed: int | None = None


class CommitFacts(_Facts, frozen=True, kw_only=True):
    """A commit that would be made.

    Args:
        branch: Where it goes; a commit's number where there is no branch.
        author: In whose name.
        message: The whole message, as it will be written.
        files: The first of the files.
        file_count: How many there are.
    """

    branch: str
    author: str
    message: str
    files: tuple[CommittedFile, ...] = ()
    file_count: int = 0


class AskingRule(_Facts, frozen=True, kw_only=True):
    """The rule that has a human asked.

    Args:
        source: Whose it is: the server's file, the user's for a workspace or for a session; or
            `built_in`, which no rule overrides; or `tool`, which asks where no rule speaks.
        rule_id: The user's rule.
        tool: The tools that it is about.
        paths: The paths that it is about.
        commands: The commands that it is about.
        reason: Why it asks.
    """

    source: Literal["server", "workspace", "session", "built_in", "tool"]
    rule_id: str = ""
    tool: str = ""
    paths: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    reason: str = ""


class StandingRule(_Facts, frozen=True, kw_only=True):
    """What an answer with `always` would allow from then on, and for how long."""

    tool: str
    paths: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    lifetime: Literal["session"] = "session"


class CallFacts(_Facts, frozen=True, kw_only=True):
    """What is known of a call before it runs; what does not concern it is absent.

    Args:
        asked_by: Why a human is asked.
        always: The narrowest rule that would let such calls through.
        always_refused: Why there can be none.
    """

    command: CommandFacts | None = None
    file: FileFacts | None = None
    commit: CommitFacts | None = None
    asked_by: AskingRule | None = None
    always: StandingRule | None = None
    always_refused: str = ""
