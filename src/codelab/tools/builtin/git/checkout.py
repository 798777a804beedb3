"""git_checkout: switches to a branch, or gives named files the content that a commit has."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from codelab.sdk import Category, Preparation, Risk, Tool, ToolContext, ToolError, ToolResult
from codelab.sdk.git import literal
from codelab.tools.builtin.fields import FilePath
from codelab.tools.builtin.git.asking import (
    Standing,
    asked,
    commit_of,
    commits,
    contents,
    digest,
    files_between,
    listed_names,
    resolved,
    result_of,
    standing,
)
from codelab.tools.builtin.git.names import branch_name
from codelab.tools.builtin.git.overwriting import refuse_overwriting, refuse_rules


class GitCheckoutParameters(msgspec.Struct, frozen=True, kw_only=True):
    """Where to go, or what to restore."""

    branch: Annotated[
        str, Meta(max_length=200, description="The branch to switch to; empty to restore files.")
    ] = ""
    create: Annotated[
        bool, Meta(description="Make the branch first, at `commit`, and switch to it.")
    ] = False
    commit: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=200,
            description="Where a new branch starts, or whose content the files get.",
        ),
    ] = "HEAD"
    paths: Annotated[
        tuple[FilePath, ...],
        Meta(max_length=200, description="Files to restore; what was changed in them is lost."),
    ] = ()


class _Plan(msgspec.Struct, frozen=True):
    preview: str
    commit: str
    state: str
    names: tuple[str, ...] = ()


class GitCheckout(Tool[GitCheckoutParameters]):
    """Switches branches and restores files."""

    name = "git_checkout"
    description = (
        "Switch to a branch (`branch`, with `create` a new one at `commit`), or give files the "
        "content they have in a commit (`paths`, `commit`; HEAD undoes changes that are not "
        "committed). Local changes go along with a switch; if it would overwrite one it does "
        "nothing and names the file. A human sees what would be lost and decides."
    )
    parameters = GitCheckoutParameters
    category = Category.WRITE
    risk = Risk.MEDIUM
    protected = True
    repeatable = False
    boxed = True

    def paths(self, parameters: GitCheckoutParameters) -> tuple[str, ...]:
        """Name the files."""
        return parameters.paths

    async def prepare(self, context: ToolContext, parameters: GitCheckoutParameters) -> Preparation:
        """Show which files change, and which lines are lost."""
        plan = await _planned(context, parameters)
        risk = Risk.HIGH if parameters.paths else None
        return Preparation(preview=plan.preview, state=plan.state, risk=risk)

    async def execute(self, context: ToolContext, parameters: GitCheckoutParameters) -> ToolResult:
        """Switch or restore if everything is as it was."""
        plan = await _planned(context, parameters)
        if context.approved_state not in (None, plan.state):
            raise ToolError("The files have changed since they were shown. Ask again.")
        if parameters.paths:
            source = f"--source={plan.commit}"
            names = map(literal, plan.names)
            await asked(context, "restore", source, "--staged", "--worktree", "--", *names)
            return ToolResult(output=f"Restored:\n{listed_names(plan.names)}")
        where: tuple[str, ...] = (parameters.branch,)
        if parameters.create:
            where = ("--no-track", "--create", parameters.branch, plan.commit)
        words = ("switch", "--no-guess", "--no-overwrite-ignore", *where)
        return result_of(await context.workspace.git(*words))


async def _planned(context: ToolContext, parameters: GitCheckoutParameters) -> _Plan:
    if bool(parameters.branch) is bool(parameters.paths):
        raise ToolError("Give either a branch to switch to or paths to restore.")
    now = await standing(context)
    if now.merging:
        raise ToolError("A merge is under way: conclude or abort it first (git_merge).")
    if parameters.paths:
        return await _restoring(context, parameters, now)
    return await _switching(context, parameters, now)


async def _switching(
    context: ToolContext, parameters: GitCheckoutParameters, now: Standing
) -> _Plan:
    branch = branch_name(parameters.branch)
    commit = await commit_of(context, f"refs/heads/{branch}")
    if parameters.create:
        if commit:
            raise ToolError(f"There is a branch {branch} already.")
        commit = await resolved(context, parameters.commit)
    if not commit:
        raise ToolError(
            f"There is no branch {branch}. To follow one of a remote, create it at origin/{branch}."
        )
    if not now.commit:
        raise ToolError("There is no commit yet that one could come back to.")
    changed = await files_between(context, now.commit, commit)
    await refuse_overwriting(context, now, changed)
    start = f", a new branch at\n{await commits(context, '--no-walk', commit)}"
    lines = [f"switch from {now.title} to {branch}{start if parameters.create else ''}"]
    lines += ["", "Files that change:", listed_names([f"{how} {x}" for x, how in changed.items()])]
    if now.files:
        kept = [f"{file.status} {file.name}" for file in now.files]
        lines += ["", "Changes that are not committed and go along:", listed_names(kept)]
    return _Plan("\n".join(lines), commit, digest(now, branch, commit))


async def _restoring(
    context: ToolContext, parameters: GitCheckoutParameters, now: Standing
) -> _Plan:
    if parameters.create:
        raise ToolError("`create` is for branches.")
    commit = await resolved(context, parameters.commit)
    where = [literal(path) for path in parameters.paths]
    words = ("diff", "--no-renames", "--name-status", "-z", commit, "--", *where)
    fields = (await asked(context, *words)).split("\0")
    changed = dict(zip(fields[1::2], fields[0::2], strict=False))
    staged = await asked(context, *words[:4], "--cached", *words[4:])
    names = tuple(dict.fromkeys([*changed, *staged.split("\0")[1::2]]))
    if not names:
        raise ToolError("These files are as they are in that commit, or git does not know them.")
    await refuse_rules(context, names)
    # From what is there now to what it would be: each line with a minus is lost.
    lost = await context.workspace.git("diff", "-R", commit, "--", *map(literal, names))
    at = await commits(context, "--no-walk", commit)
    lines = ["restore", listed_names(names), "as in", at, "", "What changes by that:", lost.output]
    present = [name for name, how in changed.items() if how != "D"]
    state = digest(now, commit, names, staged, await contents(context, present))
    return _Plan("\n".join(lines), commit, state, names)
