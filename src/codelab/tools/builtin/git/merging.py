"""How a commit comes into the current branch: what it would bring, and bringing it."""

from __future__ import annotations

from typing import Literal

import msgspec

from codelab.sdk import ToolContext, ToolError, ToolResult
from codelab.tools.builtin.git.asking import (
    Standing,
    asked,
    author_of,
    commits,
    digest,
    files_between,
    listed_names,
    result_of,
    signed,
    standing,
)
from codelab.tools.builtin.git.committing import recorded
from codelab.tools.builtin.git.conflicts import told
from codelab.tools.builtin.git.overwriting import refuse_overwriting

_CONFLICTED = 1


class Incoming(msgspec.Struct, frozen=True):
    """What a merge would bring.

    Args:
        commit: The commit that comes in.
        title: What it is called.
        way: How it comes in; nothing is to be done where the branch has it already.
        preview: The commits and files, for a human.
        state: What an approval is bound to.
    """

    commit: str
    title: str
    way: Literal["nothing", "fast-forward", "merge"]
    preview: str
    state: str


async def incoming(
    context: ToolContext, now: Standing, commit: str, title: str, *, merge_commit: bool = False
) -> Incoming:
    """Find out what a merge of a commit into the current branch would bring.

    Args:
        context: Where.
        now: The repository.
        commit: The commit.
        title: What it is called.
        merge_commit: Whether a merge commit is wanted where the branch could just move on.

    Raises:
        ToolError: Something stands against the merge.
    """
    check_ready(now)
    found = await context.workspace.git("merge-base", now.commit, commit)
    if found.exit_code != 0:
        raise ToolError(f"{now.branch} and {title} have no commit in common.")
    base = found.output.strip()
    if base == commit:
        text = f"{now.branch} has all of {title} already."
        return Incoming(commit, title, "nothing", text, digest(now, commit))
    changed = await files_between(context, base, commit)
    await refuse_overwriting(context, now, changed)
    is_merge = base != now.commit or merge_commit
    if is_merge and (staged := [file.name for file in now.files if file.is_staged]):
        raise ToolError(
            f"No file was changed: commit or restore what is staged.\n{listed_names(staged)}"
        )
    way: Literal["fast-forward", "merge"] = "merge" if is_merge else "fast-forward"
    lines = [
        f"{way} of {title} ({commit[:10]}) into {now.branch}",
        "",
        "Commits:",
        await commits(context, commit, "--not", now.commit),
        "",
        "Files:",
        listed_names([f"{how} {name}" for name, how in changed.items()]),
    ]
    if is_merge and (names := await _foreseen(context, now.commit, commit)):
        lines += ["", "Conflicts to resolve afterwards:", listed_names(names)]
    return Incoming(commit, title, way, "\n".join(lines), digest(now, commit, way))


def check_ready(now: Standing) -> None:
    """Refuse where no merge can begin.

    Raises:
        ToolError: It says why.
    """
    if now.merging:
        raise ToolError("A merge is under way: conclude or abort it first (git_merge).")
    if not now.branch or not now.commit:
        raise ToolError("Switch to a branch that has a commit first (git_checkout).")


def message_for(now: Standing, title: str, message: str) -> str:
    """Return the message of a merge commit."""
    return message.strip() or f"Merge {title} into {now.branch}"


def signed_preview(context: ToolContext, message: str) -> str:
    """Show the author and the message of a merge commit."""
    return f"as {author_of(context)}\n\n{signed(message, context)}"


async def merged(context: ToolContext, now: Standing, comes: Incoming, message: str) -> ToolResult:
    """Bring it in; conflicts are left in the files and told."""
    if comes.way == "nothing":
        return ToolResult(output=comes.preview)
    plain = ("--no-autostash", "--no-squash", "--no-overwrite-ignore", "--no-stat", "--quiet")
    if comes.way == "fast-forward":
        await asked(context, "merge", "--ff-only", *plain, comes.commit)
        return ToolResult(output=f"{now.branch} is at {comes.commit} now.\n\n{comes.preview}")
    words = ("merge", "--no-ff", "--no-commit", "--no-verify", *plain, comes.commit)
    result = await context.workspace.git(*words)
    if result.exit_code == 0:
        done = await recorded(context, message)
        return msgspec.structs.replace(done, output=f"{done.output}\n\n{comes.preview}")
    after = await standing(context)
    if not after.conflicted:
        return result_of(result)
    what = f"the merge of {comes.title} into {now.branch}"
    return ToolResult(ok=False, output=await told(context, after, what))


async def _foreseen(context: ToolContext, ours: str, theirs: str) -> list[str]:
    """Name the files that a merge would leave conflicted, without touching any."""
    words = ("merge-tree", "--write-tree", "--name-only", "--no-messages", "-z", ours, theirs)
    result = await context.workspace.git(*words)
    if result.exit_code != _CONFLICTED:
        return []
    return [name for name in dict.fromkeys(result.output.split("\0")[1:]) if name]
