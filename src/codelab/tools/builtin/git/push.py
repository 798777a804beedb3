"""git_push: sends one branch to a remote."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from codelab.sdk import Category, Preparation, Risk, Tool, ToolContext, ToolError, ToolResult
from codelab.tools.builtin.git.asking import commit_of, commits, digest
from codelab.tools.builtin.git.branch import BranchName
from codelab.tools.builtin.git.remotes import RemoteBranch, remote_branch

RemoteName = Annotated[str, Meta(min_length=1, max_length=100, description="origin by default.")]


class GitPushParameters(msgspec.Struct, frozen=True, kw_only=True):
    """What to push, and where."""

    branch: BranchName
    remote: RemoteName = "origin"
    overwrite: Annotated[
        bool,
        Meta(
            description="Critical: drop commits that the remote's branch has and this one has "
            "not, if it is still where it was last seen."
        ),
    ] = False


class _Plan(msgspec.Struct, frozen=True):
    target: RemoteBranch
    commit: str
    preview: str


class GitPush(Tool[GitPushParameters]):
    """Pushes a branch."""

    name = "git_push"
    description = (
        "Push one branch to the branch of the same name at a remote. A human sees the address and "
        "the commits and decides. It adds commits only; overwrite must be asked for."
    )
    parameters = GitPushParameters
    category = Category.WRITE
    risk = Risk.HIGH
    protected = True
    repeatable = False
    boxed = True

    async def prepare(self, context: ToolContext, parameters: GitPushParameters) -> Preparation:
        """Show the address and the commits."""
        plan = await _planned(context, parameters)
        risk = Risk.CRITICAL if parameters.overwrite else None
        return Preparation(preview=plan.preview, state=digest(plan), risk=risk)

    async def execute(self, context: ToolContext, parameters: GitPushParameters) -> ToolResult:
        """Push the commit that was shown."""
        plan = await _planned(context, parameters)
        if context.approved_state not in (None, digest(plan)):
            raise ToolError("The branch or the remote has changed since this was shown. Ask again.")
        place = f"refs/heads/{parameters.branch}"
        lease = (f"--force-with-lease={place}:{plan.target.commit}",)
        result = await context.workspace.git(
            "push",
            "--porcelain",
            "--no-verify",
            "--no-follow-tags",
            "--recurse-submodules=no",
            *(lease if parameters.overwrite else ()),
            plan.target.remote,
            f"{plan.commit}:{place}",
            remote=plan.target.address,
        )
        return ToolResult(output=result.output.strip(), ok=result.exit_code == 0)


async def _planned(context: ToolContext, parameters: GitPushParameters) -> _Plan:
    target = await remote_branch(context, parameters.remote, parameters.branch, to_push=True)
    commit = await commit_of(context, f"refs/heads/{target.branch}")
    if not commit:
        raise ToolError(f"There is no branch {target.branch}.")
    lines = [f"push {target.branch} ({commit[:10]}) to {target.title}", f"at {target.address}", ""]
    if not target.commit:
        known = f"--remotes={target.remote}"
        lines += ["The remote is not known to have this branch. Commits:"]
        lines += [await commits(context, commit, "--not", known)]
        return _Plan(target, commit, "\n".join(lines))
    lost = await commits(context, target.commit, "--not", commit)
    if lost and not parameters.overwrite:
        raise ToolError(
            f"{target.title} has commits that {target.branch} has not; git_pull first.\n{lost}"
        )
    if target.commit == commit:
        raise ToolError(f"{target.title} is at {commit[:10]} already, as it was last seen.")
    lines += ["Commits:", await commits(context, commit, "--not", target.commit)]
    if lost:
        lines += ["", f"OVERWRITES: {target.title} loses these commits:", lost]
    return _Plan(target, commit, "\n".join(lines))
