"""git_branches looks; git_branch makes, renames and deletes."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from codelab.sdk import Category, Preparation, Risk, Tool, ToolContext, ToolError, ToolResult
from codelab.tools.builtin.git.asking import (
    NONE,
    asked,
    commit_of,
    commits,
    digest,
    resolved,
    result_of,
    standing,
)
from codelab.tools.builtin.git.names import branch_name

BranchName = Annotated[
    str, Meta(min_length=1, max_length=200, description="A branch, such as feature/search.")
]
_MOST = 200
_FORMAT = "%(HEAD) %(refname:lstrip=2) %(objectname:short) %(committerdate:short) %(subject)"


class GitBranchesParameters(msgspec.Struct, frozen=True, kw_only=True):
    """Which branches to list."""

    remote: Annotated[
        bool, Meta(description="Also what remotes had when they were last fetched.")
    ] = False


class GitBranches(Tool[GitBranchesParameters]):
    """Lists branches."""

    name = "git_branches"
    description = "List the branches, the latest first; * marks the current one."
    parameters = GitBranchesParameters
    category = Category.READ
    risk = Risk.LOW

    async def execute(self, context: ToolContext, parameters: GitBranchesParameters) -> ToolResult:
        """Ask git."""
        places = ("refs/heads", *(("refs/remotes",) if parameters.remote else ()))
        words = (f"--count={_MOST}", "--sort=-committerdate", f"--format={_FORMAT}", *places)
        return result_of(await context.workspace.git("for-each-ref", *words), empty="No branches.")


class GitBranchParameters(msgspec.Struct, frozen=True, kw_only=True):
    """What to do with a branch."""

    action: Annotated[
        Literal["create", "rename", "delete"],
        Meta(description="create does not switch to it: git_checkout does."),
    ]
    branch: BranchName
    new_name: Annotated[
        str, Meta(max_length=200, description="For rename: what it is called then.")
    ] = ""
    start: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=200,
            description="For create: the commit, branch or tag at which it starts.",
        ),
    ] = "HEAD"


class _Plan(msgspec.Struct, frozen=True):
    preview: str
    commit: str
    is_current: bool = False
    risk: Risk = Risk.MEDIUM


class GitBranch(Tool[GitBranchParameters]):
    """Creates, renames and deletes branches."""

    name = "git_branch"
    description = (
        "Create, rename or delete a branch; a human decides. The current branch is not deleted. "
        "Deleting one whose commits no other branch has is critical."
    )
    parameters = GitBranchParameters
    category = Category.WRITE
    risk = Risk.MEDIUM
    protected = True
    repeatable = False
    boxed = True

    async def prepare(self, context: ToolContext, parameters: GitBranchParameters) -> Preparation:
        """Show the commit that the branch stands at, and what would be lost."""
        plan = await _planned(context, parameters)
        return Preparation(preview=plan.preview, state=digest(plan), risk=plan.risk)

    async def execute(self, context: ToolContext, parameters: GitBranchParameters) -> ToolResult:
        """Change the branch if it still stands where it did."""
        plan = await _planned(context, parameters)
        if context.approved_state not in (None, digest(plan)):
            raise ToolError("The branches have changed since they were shown. Ask again.")
        place = f"refs/heads/{parameters.branch}"
        if parameters.action == "create":
            await asked(context, "update-ref", place, plan.commit, NONE)
            return ToolResult(output=f"{parameters.branch} is at {plan.commit}.")
        if parameters.action == "rename":
            new = f"refs/heads/{parameters.new_name}"
            await asked(context, "update-ref", new, plan.commit, NONE)
            if plan.is_current:
                await asked(context, "symbolic-ref", "HEAD", new)
            await asked(context, "update-ref", "-d", place, plan.commit)
            return ToolResult(output=f"{parameters.branch} is called {parameters.new_name} now.")
        await asked(context, "update-ref", "-d", place, plan.commit)
        return ToolResult(output=f"Deleted {parameters.branch}; it was at {plan.commit}.")


async def _planned(context: ToolContext, parameters: GitBranchParameters) -> _Plan:
    branch = branch_name(parameters.branch)
    commit = await commit_of(context, f"refs/heads/{branch}")
    if parameters.action == "create":
        _refuse_taken(branch, commit)
        commit = await resolved(context, parameters.start)
        at = await commits(context, "--no-walk", commit)
        return _Plan(f"create the branch {branch} at\n{at}", commit)
    if not commit:
        raise ToolError(f"There is no branch {branch}.")
    now = await standing(context)
    is_current = now.branch == branch
    elsewhere = await _checked_out(context, branch)
    if elsewhere and not is_current:
        raise ToolError(f"{branch} is checked out in another work tree.")
    if parameters.action == "rename":
        new = branch_name(parameters.new_name)
        _refuse_taken(new, await commit_of(context, f"refs/heads/{new}"))
        note = "Settings of the branch, such as its upstream, stay with the old name."
        return _Plan(f"rename the branch {branch} to {new}\n{note}", commit, is_current)
    if is_current:
        raise ToolError(f"{branch} is the current branch; switch to another one first.")
    kept = (f"--exclude={branch}", "--branches", "--remotes", "--tags", "HEAD")
    lost = await commits(context, commit, "--not", *kept)
    preview = f"delete the branch {branch}, which is at {commit}"
    if lost:
        preview += f"\nNo other branch or tag has these commits; they would be lost:\n{lost}"
    return _Plan(preview, commit, risk=Risk.CRITICAL if lost else Risk.MEDIUM)


async def _checked_out(context: ToolContext, branch: str) -> bool:
    words = ("for-each-ref", "--format=%(refname) %(worktreepath)", f"refs/heads/{branch}")
    lines = (await asked(context, *words)).splitlines()
    return any(line.startswith(f"refs/heads/{branch} ") and line.split(" ")[1] for line in lines)


def _refuse_taken(branch: str, commit: str) -> None:
    if commit:
        raise ToolError(f"There is a branch {branch} already.")
