"""review_changes: the changes of the working tree or of commits, with suspicions about them."""

from __future__ import annotations

import hashlib
from typing import Annotated

import msgspec
from msgspec import Meta

from codelab.sdk import Category, Risk, Tool, ToolContext, ToolResult
from codelab_review.diff import FileChange
from codelab_review.findings import find
from codelab_review.gathering import gather
from codelab_review.journal import Journal
from codelab_review.report import write_report


class ReviewParameters(msgspec.Struct, frozen=True, kw_only=True):
    """What to review."""

    range: Annotated[
        str,
        Meta(
            description="Commits to review in git's notation, such as main...HEAD or v1..v2; empty "
            "for everything that is not committed, new files included.",
            max_length=200,
            # No leading dash: git would take it for an option.
            pattern=r"^$|^[A-Za-z0-9_@][A-Za-z0-9_@./^~{}-]*$",
        ),
    ] = ""
    paths: Annotated[
        tuple[str, ...],
        Meta(description="Only these files or folders; none for all.", max_length=200),
    ] = ()
    only_new: Annotated[
        bool,
        Meta(description="Leave out files that are as in this session's last finished review."),
    ] = False


class ReviewChanges(Tool[ReviewParameters]):
    """Gathers changes for a review.

    Args:
        journal: Remembers what was reviewed.
    """

    name = "review_changes"
    description = (
        "Show changes for a review, file by file with old and new line numbers: what is not "
        "committed, or a range of commits. Lists mechanical suspicions first: secrets, merge "
        "markers, debugging leftovers, lock files, sizes. Secrets are not shown."
    )
    parameters = ReviewParameters
    category = Category.READ
    risk = Risk.LOW

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def paths(self, parameters: ReviewParameters) -> tuple[str, ...]:
        """Name the files and folders."""
        return parameters.paths

    async def execute(self, context: ToolContext, parameters: ReviewParameters) -> ToolResult:
        """Gather, judge and write it down."""
        changes = await gather(context.workspace, parameters.range, parameters.paths)
        reviewed = self._journal.reviewed(context.session_id) if parameters.only_new else {}
        known: list[FileChange] = []
        fresh: list[FileChange] = []
        for change in changes:
            is_known = reviewed.get(_key(parameters.range, change)) == _state(change)
            (known if is_known else fresh).append(change)
        if not fresh:
            return ToolResult(output=_nothing(parameters, bool(known)))
        # The whole change is judged, so that a lock file's manifest is seen if it is known.
        names = {each.path for each in fresh}
        findings = [each for each in find(changes) if each.path in names]
        title = f"Changes in {parameters.range}" if parameters.range else "Uncommitted changes"
        report = write_report(title, fresh, findings, known)
        states = {_key(parameters.range, each): _state(each) for each in report.shown}
        self._journal.note(context.session_id, states)
        return ToolResult(output=report.text, truncated=not report.is_complete)


def _key(range_: str, change: FileChange) -> str:
    return f"{range_}\0{change.path}"


def _state(change: FileChange) -> str:
    return hashlib.sha256(msgspec.json.encode(change)).hexdigest()


def _nothing(parameters: ReviewParameters, is_known: bool) -> str:
    where = parameters.range or "the working tree"
    if is_known:
        return f"Nothing in {where} is different from the last finished review."
    return f"There are no changes in {where}."
