"""git_commit: what it shows is exactly what it commits."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from codelab.sdk import Category, Preparation, Risk, Tool, ToolContext, ToolError, ToolResult
from codelab.sdk.errors import CodeLabError, Forbidden, NotFound
from codelab.tools.builtin.fields import FilePath
from codelab.tools.builtin.git import literal, result_of

# As many names as surely fit into one bounded answer of git.
_HASHED_AT_ONCE = 500
_MOST_FILES = 5000
# How many characters of new files are shown; as much as of what git itself prints.
_SHOWN = 48_000
_NAMED = 20
_UNFIT_FOR_NAMES = re.compile(r"[\x00-\x1f\x7f<>]")
_NEW = "??"


class GitCommitParameters(msgspec.Struct, frozen=True, kw_only=True):
    """What to commit."""

    message: Annotated[
        str, Meta(min_length=1, max_length=10_000, description="The commit message.")
    ]
    paths: Annotated[
        tuple[FilePath, ...],
        Meta(
            min_length=1,
            max_length=200,
            description="Files or folders whose changes are committed; ['.'] for all.",
        ),
    ]


class _Changed(msgspec.Struct, frozen=True):
    """A file that would be committed; `added` is the whole of a new one as a diff."""

    status: str
    name: str
    added: str = ""

    @property
    def is_present(self) -> bool:
        return "D" not in self.status


class _Commit(msgspec.Struct, frozen=True):
    """What would be committed, and the names that agents may not touch."""

    files: list[_Changed]
    left_out: list[str]
    difference: str
    state: str


class GitCommit(Tool[GitCommitParameters]):
    """Commits changes in the user's name."""

    name = "git_commit"
    description = (
        "Commit the changes of the given files or folders, new files included; hidden and "
        "excluded files are left out. A human sees the message and the changes and decides."
    )
    parameters = GitCommitParameters
    category = Category.WRITE
    risk = Risk.MEDIUM
    protected = True
    repeatable = False

    def paths(self, parameters: GitCommitParameters) -> tuple[str, ...]:
        """Name the files and folders."""
        return parameters.paths

    async def prepare(self, context: ToolContext, parameters: GitCommitParameters) -> Preparation:
        """Show message and changes; the state holds the content of every file."""
        commit = await _planned(context, parameters.paths)
        lines = [f"commit as {_author(context)}", "", parameters.message, "", "Changes:"]
        lines += [f"  {changed.status} {changed.name}" for changed in commit.files]
        if commit.left_out:
            lines += ["", _without(commit.left_out)]
        lines += ["", commit.difference] if commit.difference else []
        lines += _shown([changed.added for changed in commit.files if changed.added])
        return Preparation(preview="\n".join(lines), state=commit.state)

    async def execute(self, context: ToolContext, parameters: GitCommitParameters) -> ToolResult:
        """Commit the files that were shown, by name: one that came since stays out."""
        commit = await _planned(context, parameters.paths)
        if context.approved_state not in (None, commit.state):
            raise ToolError("These files have changed since they were shown. Commit again.")
        if added := [literal(file.name) for file in commit.files if file.status == _NEW]:
            await _asked(context, "add", "--", *added)
        result = await context.workspace.git(
            "commit",
            "--no-verify",
            f"--author={_author(context)}",
            f"--message={parameters.message}",
            "--",
            *(literal(name) for name in dict.fromkeys(file.name for file in commit.files)),
        )
        return result_of(result)


async def _planned(context: ToolContext, paths: Sequence[str]) -> _Commit:
    listed = await _listed(context, [literal(path) for path in paths])
    if len(listed) > _MOST_FILES:
        raise ToolError(f"{len(listed)} files have changed; commit fewer at once.")
    head = await context.workspace.git("rev-parse", "--verify", "--quiet", "HEAD")
    is_first = head.exit_code != 0
    files: list[_Changed] = []
    left_out: list[str] = []
    for status, name in listed:
        changed = await _looked_at(context, status, name, is_new=is_first or status == _NEW)
        if changed:
            files.append(changed)
        else:
            left_out.append(name)
    if not files:
        reason = f" {_without(left_out)}" if left_out else ""
        raise ToolError(f"There is nothing to commit in these paths.{reason}")
    difference = ""
    if old := [literal(file.name) for file in files if file.status != _NEW and not is_first]:
        difference = (await context.workspace.git("diff", "HEAD", "--", *old)).output
    state = hashlib.sha256(f"{head.output}\0{difference}\0".encode())
    for file in files:
        state.update(f"{file.status} {file.name}\0".encode())
    present = [file.name for file in files if file.is_present]
    for start in range(0, len(present), _HASHED_AT_ONCE):
        part = present[start : start + _HASHED_AT_ONCE]
        state.update((await _asked(context, "hash-object", "--no-filters", "--", *part)).encode())
    return _Commit(files, left_out, difference, state.hexdigest())


async def _looked_at(
    context: ToolContext, status: str, name: str, *, is_new: bool
) -> _Changed | None:
    """Return what would be committed of a file; none when the agent's rules refuse it."""
    if name.endswith("/"):
        return None  # A repository of its own, of which git would only keep a number.
    added = ""
    try:
        # The one question whose answer holds the whole content and all rules for a change.
        content = (await context.workspace.plan_delete(name)).diff
        added = _as_new(name, content) if is_new else ""
    except Forbidden:
        return None
    except NotFound:
        pass  # Deleted: there is nothing to show but its name and what git tells.
    except CodeLabError as error:
        added = f"+++ b/{name}\n({error.message})" if is_new else ""
    return _Changed(status, name, added)


async def _listed(context: ToolContext, where: list[str]) -> list[tuple[str, str]]:
    listed = await _asked(
        context,
        "status",
        "--porcelain=v1",
        "-z",
        "--no-renames",
        "--untracked-files=all",
        "--",
        *where,
    )
    # In this form each entry is two letters, a space and the name.
    return [(entry[:2], entry[3:]) for entry in listed.split("\0") if entry]


async def _asked(context: ToolContext, *arguments: str) -> str:
    result = await context.workspace.git(*arguments)
    if result.exit_code != 0:
        raise ToolError(f"git {arguments[0]} failed: {result.output.strip()[:2000]}")
    if result.truncated:
        raise ToolError("Too many files have changed; name fewer paths.")
    return result.output


def _as_new(name: str, deletion: str) -> str:
    """Turn the diff of a deletion around."""
    body = deletion.split("\n")[3:]
    count = sum(line.startswith("-") for line in body)
    heading = ["--- /dev/null", f"+++ b/{name}"]
    heading += [f"@@ -0,0 +1,{count} @@"] if count else ["(empty)"]
    return "\n".join([*heading, *(re.sub(r"^-", "+", line) for line in body)])


def _shown(diffs: Sequence[str]) -> Iterator[str]:
    """Yield the diffs of new files as far as there is room, and count what there was none for."""
    room, hidden_lines, hidden_files = _SHOWN, 0, 0
    for diff in diffs:
        lines = diff.split("\n")
        fitting = 0
        while fitting < len(lines) and room >= len(lines[fitting]):
            room -= len(lines[fitting]) + 1
            fitting += 1
        yield from lines[:fitting]
        if fitting < len(lines):
            room = 0
            hidden_lines += len(lines) - fitting
            hidden_files += 1
    if hidden_files:
        yield f"… {hidden_lines} lines of {hidden_files} new files left out …"


def _without(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    named = ", ".join(names[:_NAMED])
    return f"Left out, because agents may not change them: {named}{more}."


def _author(context: ToolContext) -> str:
    name = _UNFIT_FOR_NAMES.sub("", context.user_name).strip() or "user"
    return f"{name} <{name.replace(' ', '.')}@localhost>"
