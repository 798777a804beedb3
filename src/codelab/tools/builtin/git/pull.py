"""git_pull: fetches one branch of a remote and merges it into the current one."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from codelab.sdk import Category, Preparation, Risk, Tool, ToolContext, ToolError, ToolResult
from codelab.tools.builtin.git.asking import (
    Standing,
    commit_of,
    commits,
    digest,
    standing,
)
from codelab.tools.builtin.git.merging import (
    check_ready,
    incoming,
    merged,
    message_for,
    signed_preview,
)
from codelab.tools.builtin.git.push import RemoteName
from codelab.tools.builtin.git.remotes import RemoteBranch, remote_branch


class GitPullParameters(msgspec.Struct, frozen=True, kw_only=True):
    """What to fetch."""

    remote: RemoteName = "origin"
    branch: Annotated[
        str, Meta(max_length=200, description="Of the remote; as the current one by default.")
    ] = ""
    merge: Annotated[
        bool, Meta(description="false only fetches; git_merge then merges what can be seen.")
    ] = True


class _Plan(msgspec.Struct, frozen=True):
    now: Standing
    source: RemoteBranch
    preview: str


class GitPull(Tool[GitPullParameters]):
    """Fetches and merges."""

    name = "git_pull"
    description = (
        "Fetch a branch of a remote and merge it into the current branch. Conflicts are told as "
        "git_merge does. A human sees the address and decides; what comes is seen afterwards."
    )
    parameters = GitPullParameters
    category = Category.WRITE
    risk = Risk.HIGH
    protected = True
    repeatable = False
    boxed = True

    async def prepare(self, context: ToolContext, parameters: GitPullParameters) -> Preparation:
        """Show the address and what is known of both sides."""
        plan = await _planned(context, parameters)
        return Preparation(preview=plan.preview, state=digest(plan))

    async def execute(self, context: ToolContext, parameters: GitPullParameters) -> ToolResult:
        """Fetch, then merge what came."""
        plan = await _planned(context, parameters)
        if context.approved_state not in (None, digest(plan)):
            raise ToolError("The branch or the remote has changed since this was shown. Ask again.")
        source = plan.source
        fetched = await context.workspace.git(
            "fetch",
            "--no-tags",
            "--no-prune",
            "--no-recurse-submodules",
            "--no-write-fetch-head",
            "--refmap=",
            source.remote,
            f"+refs/heads/{source.branch}:{source.tracking}",
            remote=source.address,
        )
        if fetched.exit_code != 0:
            return ToolResult(output=fetched.output.strip(), ok=False)
        commit = await commit_of(context, source.tracking)
        if not parameters.merge:
            came = await commits(context, commit, "--not", *_known(source))
            return ToolResult(output=f"{source.title} is at {commit}.\n{came}".strip())
        comes = await incoming(context, plan.now, commit, source.title)
        return await merged(context, plan.now, comes, message_for(plan.now, source.title, ""))


async def _planned(context: ToolContext, parameters: GitPullParameters) -> _Plan:
    now = await standing(context)
    if parameters.merge:
        check_ready(now)
    branch = parameters.branch or now.branch
    source = await remote_branch(context, parameters.remote, branch)
    seen = f"last seen at {source.commit[:10]}" if source.commit else "never seen before"
    lines = [f"fetch {source.title} ({seen})", f"from {source.address}"]
    if parameters.merge:
        message = message_for(now, source.title, "")
        lines += [
            f"and merge what comes into {now.branch} ({now.commit[:10]})",
            "",
            "New commits cannot be shown before they are fetched. "
            f"If both sides have some, a merge commit is made {signed_preview(context, message)}",
        ]
        lines += await _compared(context, now, source)
    return _Plan(now, source, "\n".join(lines))


async def _compared(context: ToolContext, now: Standing, source: RemoteBranch) -> list[str]:
    if not source.commit:
        return []
    lines = []
    if come := await commits(context, source.commit, "--not", now.commit):
        lines += ["", f"Known commits of {source.title} that come:", come]
    if own := await commits(context, now.commit, "--not", source.commit):
        lines += ["", f"Commits that only {now.branch} has:", own]
    return lines


def _known(source: RemoteBranch) -> tuple[str, ...]:
    return (source.commit,) if source.commit else ()
