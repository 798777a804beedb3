"""What a commit holds: shown before, and exactly that is committed; it may conclude a merge."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

from codelab.sdk import ToolContext, ToolError, ToolResult
from codelab.sdk.errors import CodeLabError, Forbidden, NotFound
from codelab.tools.builtin.git.asking import (
    AT_ONCE,
    LocalFile,
    Standing,
    asked,
    author_of,
    contents,
    digest,
    literal,
    local_files,
    result_of,
    signed,
    standing,
    written,
)
from codelab.tools.builtin.git.conflicts import has_markers

_MOST_FILES = 5000
# How many characters of new files are shown; as much as of what git itself prints.
_SHOWN = 48_000
_NAMED = 20
_NO_FILTER = ("unspecified", "unset", "")


class Planned(msgspec.Struct, frozen=True):
    """A file that would be committed.

    Args:
        file: The file.
        added: The whole of a new one as a diff.
        is_present: Whether it is there.
        is_merged: Whether it comes as the merge left it in the index, untouched by the agent.
    """

    file: LocalFile
    added: str = ""
    is_present: bool = True
    is_merged: bool = False


class Commit(msgspec.Struct, frozen=True):
    """What would be committed.

    Args:
        files: The files.
        left_out: Names that agents may not touch.
        difference: How those that are not new differ from the last commit.
        merging: The commit that is merged with it; empty in an ordinary one.
        state: What an approval is bound to.
        branch: Where it goes.
        has_parent: Whether there is a commit before it.
    """

    files: tuple[Planned, ...]
    left_out: tuple[str, ...]
    difference: str
    merging: str
    state: str
    branch: str
    has_parent: bool


async def planned(context: ToolContext, paths: Sequence[str]) -> Commit:
    """Find out what a commit of these paths would hold.

    During a merge it holds what the merge has brought besides: git commits that as a whole.

    Raises:
        ToolError: There is nothing to commit, or something stands against it.
    """
    now = await standing(context)
    chosen = await _below(context, paths)
    if len(chosen) > _MOST_FILES:
        raise ToolError(f"{len(chosen)} files have changed; commit fewer at once.")
    files: list[Planned] = []
    left_out: list[str] = []
    for file in chosen:
        part = await _looked_at(context, file, is_new=file.is_new or not now.commit)
        if part:
            files.append(part)
        elif not (now.merging and file.is_staged):
            left_out.append(file.name)
    if now.merging:
        _check_conflicts(now, {part.file.name for part in files})
        files += _merged(now, {part.file.name for part in files})
    if not files and not now.merging:
        reason = f" {without(left_out)}" if left_out else ""
        raise ToolError(f"There is nothing to commit in these paths.{reason}")
    await _check_filters(context, [part.file.name for part in files if not part.is_merged])
    return await _seen(context, now, files, left_out)


async def committed(context: ToolContext, commit: Commit, message: str) -> ToolResult:
    """Commit the files that were shown, by name: one that came since stays out."""
    ours = [part.file for part in commit.files if not part.is_merged]
    # What is staged as it is needs nothing; a file that is gone there, git would not find.
    is_open = {file.name for file in ours if commit.merging and file.status[1] != " "}
    added = [literal(file.name) for file in ours if file.is_new or file.name in is_open]
    for some in _parts(added):
        await asked(context, "add", "--", *some)
    names = dict.fromkeys(literal(part.file.name) for part in commit.files)
    return await recorded(context, message, () if commit.merging else tuple(names))


async def recorded(context: ToolContext, message: str, names: Sequence[str] = ()) -> ToolResult:
    """Make a commit in the user's name, with the agent as a co-author.

    Args:
        context: Who asks.
        message: The message.
        names: Which files; none for all that is in the index.
    """
    result = await context.workspace.git(
        "commit",
        "--no-verify",
        "--cleanup=whitespace",
        f"--author={author_of(context)}",
        f"--message={signed(message, context)}",
        *(("--", *names) if names else ()),
    )
    return result_of(result)


def shown(commit: Commit, message: str, context: ToolContext) -> str:
    """Lay out for a human what would be committed."""
    kind = f"conclude the merge of {commit.merging[:10]}" if commit.merging else "commit"
    lines = [f"{kind} as {author_of(context)}", "", signed(message, context), "", "Changes:"]
    lines += [f"  {part.file.status} {written(part.file.name)}" for part in commit.files]
    if commit.left_out:
        lines += ["", without(commit.left_out)]
    lines += ["", commit.difference] if commit.difference else []
    lines += _fitting([part.added for part in commit.files if part.added])
    return "\n".join(lines)


def without(names: Sequence[str]) -> str:
    """Name files that stay out."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    named = ", ".join(map(written, names[:_NAMED]))
    return f"Left out, because agents may not change them: {named}{more}."


async def _below(context: ToolContext, paths: Sequence[str]) -> tuple[LocalFile, ...]:
    if not paths:
        return ()
    words = ("status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=all", "--")
    return local_files(await asked(context, *words, *map(literal, paths)))


def _check_conflicts(now: Standing, taken: set[str]) -> None:
    if open_ones := [file.name for file in now.conflicted if file.name not in taken]:
        raise ToolError(
            "A merge is under way. Its conflicted files must all be among the paths, and agents "
            f"must be allowed to change them: {', '.join(map(written, open_ones[:_NAMED]))}."
        )


def _merged(now: Standing, taken: set[str]) -> Iterator[Planned]:
    for file in now.files:
        if file.is_staged and file.name not in taken:
            yield Planned(file, is_merged=True)


async def _looked_at(context: ToolContext, file: LocalFile, *, is_new: bool) -> Planned | None:
    """Return what would be committed of a file; none when the agent's rules refuse it."""
    name = file.name
    if name.endswith("/"):
        return None  # A repository of its own, of which git would only keep a number.
    try:
        # The one question whose answer holds the whole content and all rules for a change.
        content = (await context.workspace.plan_delete(name)).diff
    except Forbidden:
        return None
    except NotFound:
        # Deleted: there is nothing to show but its name and what git tells.
        return Planned(file, is_present=False)
    except CodeLabError as error:
        return Planned(file, f"+++ b/{written(name)}\n({error.message})" if is_new else "")
    if file.is_conflicted and has_markers(content, before="-"):
        raise ToolError(f"{written(name)} still holds conflict markers.")
    return Planned(file, _as_new(name, content) if is_new else "")


async def _check_filters(context: ToolContext, names: Sequence[str]) -> None:
    """Refuse what git would have to change on the way in: the filters are switched off."""
    for some in _parts(names):
        fields = (await asked(context, "check-attr", "-z", "filter", "--", *some)).split("\0")
        filtered = [
            name
            for name, value in zip(fields[0::3], fields[2::3], strict=False)
            if value not in _NO_FILTER
        ]
        if filtered:
            raise ToolError(
                "These files go through a filter of the repository's (such as Git LFS), which "
                f"CodeLab does not run; the user has to commit them: {', '.join(filtered[:_NAMED])}"
            )


async def _seen(
    context: ToolContext, now: Standing, files: Sequence[Planned], left_out: Sequence[str]
) -> Commit:
    difference, index = "", ""
    ours = [part.file for part in files if not part.is_merged]
    if now.commit and (old := [literal(file.name) for file in ours if not file.is_new]):
        difference = (await context.workspace.git("diff", "HEAD", "--", *old)).output
    merged = [literal(part.file.name) for part in files if part.is_merged]
    if merged:
        words = ("diff", "--cached", "HEAD", "--", *merged)
        difference += (await context.workspace.git(*words)).output
    for some in _parts(merged):
        index += await asked(context, "ls-files", "--stage", "-z", "--", *some)
    present = [part.file.name for part in files if part.is_present and not part.is_merged]
    state = digest(
        now.commit,
        now.merging,
        [(part.file.status, part.file.name) for part in files],
        difference,
        index,
        await contents(context, present),
    )
    return Commit(
        tuple(files), tuple(left_out), difference, now.merging, state, now.title, bool(now.commit)
    )


def _parts(names: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(names), AT_ONCE):
        yield names[start : start + AT_ONCE]


def _as_new(name: str, deletion: str) -> str:
    """Turn the diff of a deletion around."""
    body = deletion.split("\n")[3:]
    count = sum(line.startswith("-") for line in body)
    heading = ["--- /dev/null", f"+++ b/{written(name)}"]
    heading += [f"@@ -0,0 +1,{count} @@"] if count else ["(empty)"]
    return "\n".join([*heading, *(re.sub(r"^-", "+", line) for line in body)])


def _fitting(diffs: Sequence[str]) -> Iterator[str]:
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
