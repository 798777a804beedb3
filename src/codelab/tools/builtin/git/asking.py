"""What the git tools ask the repository before they decide."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

import msgspec

from codelab.sdk import ToolContext, ToolError, ToolResult
from codelab.sdk.git import author_named, literal, plain_name
from codelab.sdk.workspace import CommandResult
from codelab.tools.builtin.git.names import revision

NONE = "0" * 40

# As many names as surely fit into one command line and one bounded answer of git.
AT_ONCE = 500

_NAMED = 50
_TRAILER = re.compile(r"[A-Za-z][A-Za-z-]*: \S.*")


class LocalFile(msgspec.Struct, frozen=True):
    """A file that is not as in the last commit; `status` is git's two letters."""

    status: str
    name: str

    @property
    def is_new(self) -> bool:
        """Tell whether git does not know it."""
        return self.status == "??"

    @property
    def is_staged(self) -> bool:
        """Tell whether the next commit has it."""
        return self.status[0] not in " ?" and not self.is_conflicted

    @property
    def is_conflicted(self) -> bool:
        """Tell whether a merge left it for somebody to resolve."""
        return "U" in self.status or self.status in ("AA", "DD")


class Standing(msgspec.Struct, frozen=True):
    """Where the repository stands.

    Args:
        branch: The current branch; empty where none is.
        commit: Its last commit; empty before the first.
        merging: The commit that is being merged; empty when none is.
        files: What is not as in the last commit.
    """

    branch: str
    commit: str
    merging: str
    files: tuple[LocalFile, ...]

    @property
    def title(self) -> str:
        """Name the branch for a human."""
        return self.branch or f"{self.commit[:10]} (no branch)"

    @property
    def conflicted(self) -> tuple[LocalFile, ...]:
        """Return the conflicted files."""
        return tuple(file for file in self.files if file.is_conflicted)


async def standing(context: ToolContext) -> Standing:
    """Ask where the repository stands; files that git does not know are not looked at."""
    words = ("--porcelain=v1", "-z", "--branch", "--no-renames", "--untracked-files=no")
    heading, _, listed = (await asked(context, "status", *words)).partition("\0")
    heads = (await asked(context, "rev-parse", "--revs-only", "HEAD", "MERGE_HEAD")).split()
    return Standing(
        branch=_branch_in(heading),
        commit=heads[0] if heads else "",
        merging=heads[1] if len(heads) > 1 else "",
        files=local_files(listed),
    )


def local_files(listed: str) -> tuple[LocalFile, ...]:
    """Read what `git status --porcelain=v1 -z` prints: two letters, a space and a name each."""
    return tuple(LocalFile(entry[:2], entry[3:]) for entry in listed.split("\0") if entry)


def _branch_in(heading: str) -> str:
    """Read `## main...origin/main [ahead 1]`; no name of a branch holds two dots or a blank."""
    text = heading.rpartition("## ")[2].removeprefix("No commits yet on ")
    return "" if text == "HEAD (no branch)" else text.split("...")[0]


async def commit_of(context: ToolContext, reference: str) -> str:
    """Return the hash of the commit that a full reference leads to; empty when there is none."""
    words = ("rev-parse", "--verify", "--quiet", f"{reference}^{{commit}}")
    result = await context.workspace.git(*words)
    # What git warns of comes first.
    return result.output.split()[-1] if result.exit_code == 0 else ""


async def resolved(context: ToolContext, text: str) -> str:
    """Return the hash of the commit that a model names; branches go before tags.

    Raises:
        ToolError: It is none.
    """
    name, steps = revision(text)
    places = ("refs/heads/", "refs/remotes/", "refs/tags/", "")
    for place in places if name != "HEAD" else ("",):
        if commit := await commit_of(context, f"{place}{name}{steps}"):
            return commit
    raise ToolError(f"There is no commit {text}.")


async def commits(context: ToolContext, *which: str) -> str:
    """Return a bounded list of commits, each as a line; empty when there are none."""
    listed = await asked(
        context, "log", f"--max-count={_NAMED + 1}", "--format=%h %an: %s", *which, "--"
    )
    lines = listed.splitlines()
    more = ["… and more"] if len(lines) > _NAMED else []
    return indented([*lines[:_NAMED], *more])


async def unknown_among(context: ToolContext, names: Sequence[str]) -> list[str]:
    """Return those names that are there though git does not know them, ignored ones too."""
    found = ""
    for start in range(0, len(names), AT_ONCE):
        some = map(literal, names[start : start + AT_ONCE])
        found += await asked(context, "ls-files", "--others", "-z", "--", *some)
    return [name for name in found.split("\0") if name]


async def files_between(context: ToolContext, old: str, new: str) -> dict[str, str]:
    """Return the files that differ between two commits, with a letter that says how."""
    words = ("diff", "--no-renames", "--name-status", "-z", old, new, "--")
    fields = (await asked(context, *words)).split("\0")
    return dict(zip(fields[1::2], fields[0::2], strict=False))


async def asked(context: ToolContext, *arguments: str) -> str:
    """Return what a git command prints.

    Raises:
        ToolError: It failed, or printed more than can be taken in.
    """
    result = await context.workspace.git(*arguments)
    if result.exit_code != 0:
        raise ToolError(f"git {arguments[0]} failed: {result.output.strip()[:2000]}")
    if result.truncated:
        raise ToolError("Too many files have changed; name fewer paths.")
    return result.output


async def contents(context: ToolContext, names: Sequence[str]) -> str:
    """Return what names the contents of files that are there."""
    hashed = ""
    for start in range(0, len(names), AT_ONCE):
        part = names[start : start + AT_ONCE]
        hashed += await asked(context, "hash-object", "--no-filters", "--", *part)
    return hashed


def result_of(result: CommandResult, *, empty: str = "") -> ToolResult:
    """Return what git printed as a tool's result."""
    output = result.output.strip("\n") or empty
    return ToolResult(output=output, ok=result.exit_code == 0, truncated=result.truncated)


def digest(*parts: object) -> str:
    """Return what an approval of all this is bound to."""
    return hashlib.sha256("\0\0".join(map(repr, parts)).encode()).hexdigest()


def listed_names(names: Sequence[str]) -> str:
    """Return a bounded list of names, each as one line whatever it holds."""
    more = [f"… and {len(names) - _NAMED} more"] if len(names) > _NAMED else []
    return indented([*map(written, names[:_NAMED]), *more])


def written(name: str) -> str:
    """Write a file's name on one line; one with odd characters as JSON does."""
    return name if name.isprintable() and name[:1] != '"' else msgspec.json.encode(name).decode()


def indented(lines: Sequence[str]) -> str:
    """Return lines with two blanks before each."""
    return "\n".join(f"  {line}" for line in lines)


def author_of(context: ToolContext) -> str:
    """Name the user as the author of a commit."""
    return author_named(context.user_name)


def signed(message: str, context: ToolContext) -> str:
    """Return a commit message that names the agent as a co-author."""
    text = message.strip()
    agent = plain_name(context.agent, "agent")
    trailer = f"Co-authored-by: {agent} via CodeLab <codelab@localhost>"
    if trailer in text.splitlines():
        return text
    paragraphs = text.split("\n\n")
    goes_on = len(paragraphs) > 1 and all(map(_TRAILER.fullmatch, paragraphs[-1].splitlines()))
    return f"{text}\n{trailer}" if goes_on else f"{text}\n\n{trailer}"
