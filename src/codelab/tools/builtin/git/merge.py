"""git_merge: brings a branch into the current one, concludes a merge or gives it up."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from codelab.sdk import Category, Preparation, Risk, Tool, ToolContext, ToolError, ToolResult
from codelab.tools.builtin.git.asking import (
    Standing,
    asked,
    contents,
    digest,
    listed_names,
    resolved,
    standing,
)
from codelab.tools.builtin.git.committing import committed, planned, shown
from codelab.tools.builtin.git.merging import (
    Incoming,
    incoming,
    merged,
    message_for,
    signed_preview,
)
from codelab.tools.builtin.git.statistics import facts_of


class GitMergeParameters(msgspec.Struct, frozen=True, kw_only=True):
    """What to merge, or how to go on."""

    action: Annotated[
        Literal["merge", "continue", "abort"],
        Meta(description="continue: all conflicts are resolved; abort: back to before the merge."),
    ] = "merge"
    branch: Annotated[
        str, Meta(max_length=200, description="For merge: what comes into the current branch.")
    ] = ""
    message: Annotated[
        str, Meta(max_length=10_000, description="Of the merge commit; there is a default.")
    ] = ""
    merge_commit: Annotated[
        bool, Meta(description="Make a merge commit where the branch could just move on, too.")
    ] = False


class _Plan(msgspec.Struct, frozen=True):
    preview: str
    state: str


class GitMerge(Tool[GitMergeParameters]):
    """Merges branches."""

    name = "git_merge"
    description = (
        "Merge a branch into the current one, by fast-forward or by a merge commit in the user's "
        "name. Conflicts are told with their lines: edit the files, then call this again with "
        "action continue, or give up with abort. A human sees commits and files and decides."
    )
    parameters = GitMergeParameters
    category = Category.WRITE
    risk = Risk.MEDIUM
    protected = True
    repeatable = False
    boxed = True

    async def prepare(self, context: ToolContext, parameters: GitMergeParameters) -> Preparation:
        """Show commits, files and foreseeable conflicts."""
        now = await standing(context)
        if parameters.action == "abort":
            plan = await _aborting(context, now)
            return Preparation(preview=plan.preview, state=plan.state, risk=Risk.HIGH)
        if parameters.action == "continue":
            commit = await planned(context, _conflicted(now))
            message = _conclusion(now, parameters.message)
            return Preparation(
                preview=shown(commit, message, context),
                state=commit.state,
                facts=await facts_of(context, commit, message),
            )
        comes = await _coming(context, now, parameters)
        if comes.way == "nothing":
            raise ToolError(comes.preview)
        lines = [comes.preview]
        if comes.way == "merge":
            message = message_for(now, comes.title, parameters.message)
            lines += ["", f"merge commit {signed_preview(context, message)}"]
        return Preparation(preview="\n".join(lines), state=comes.state)

    async def execute(self, context: ToolContext, parameters: GitMergeParameters) -> ToolResult:
        """Merge, conclude or abort if everything is as it was."""
        now = await standing(context)
        if parameters.action == "abort":
            _check(context, (await _aborting(context, now)).state)
            await asked(context, "merge", "--abort")
            return ToolResult(output=f"The merge was given up; {now.title} is as it was before.")
        if parameters.action == "continue":
            commit = await planned(context, _conflicted(now))
            _check(context, commit.state)
            return await committed(context, commit, _conclusion(now, parameters.message))
        comes = await _coming(context, now, parameters)
        _check(context, comes.state)
        return await merged(context, now, comes, message_for(now, comes.title, parameters.message))


def _check(context: ToolContext, state: str) -> None:
    if context.approved_state not in (None, state):
        raise ToolError("The repository has changed since this was shown. Ask again.")


async def _coming(context: ToolContext, now: Standing, parameters: GitMergeParameters) -> Incoming:
    commit = await resolved(context, parameters.branch)
    wanted = parameters.merge_commit
    return await incoming(context, now, commit, parameters.branch, merge_commit=wanted)


def _conflicted(now: Standing) -> tuple[str, ...]:
    if not now.merging:
        raise ToolError("No merge is under way.")
    return tuple(file.name for file in now.conflicted)


def _conclusion(now: Standing, message: str) -> str:
    return message_for(now, now.merging[:10], message)


async def _aborting(context: ToolContext, now: Standing) -> _Plan:
    if not now.merging:
        raise ToolError("No merge is under way.")
    files = [f"{file.status} {file.name}" for file in now.files]
    lines = [
        f"give up the merge of {now.merging[:10]} into {now.title}",
        "",
        "What was done to these files since it began is lost:",
        listed_names(files),
    ]
    there = await context.workspace.git("ls-files", "--deleted", "-z")
    gone = {*there.output.split("\0"), *(x.name for x in now.files if "D" in x.status)}
    present = [file.name for file in now.files if file.name not in gone]
    return _Plan("\n".join(lines), digest(now, there.output, await contents(context, present)))
