"""What an editor says about a text that somebody is writing."""

from __future__ import annotations

from typing import Literal

import msgspec

from codelab.sdk import ToolError
from codelab.sdk.code import grammars, syntax
from codelab.sdk.code.flaws import Flaw

Severity = Literal["error", "warning"]


class CodeProblem(msgspec.Struct, frozen=True, kw_only=True):
    """A problem of a text; lines and columns start at 1, columns count characters.

    Args:
        line: Where it is; 1 where the text as a whole is meant.
        column: Where it is in the line.
        message: What is wrong, without a full stop.
        severity: A warning may be about syntax that is newer than what CodeLab knows.
        source: The language whose rules are broken.
    """

    line: int
    column: int
    message: str
    severity: Severity
    source: str


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What was found in a text; an empty `language` says that it was not checked."""

    language: str = ""
    problems: tuple[CodeProblem, ...] = ()


async def checked(path: str, text: str) -> Checked:
    """Check a text in the language that its path's ending names, without holding up others."""
    if language := syntax.language_of(path):
        flaw = await syntax.first_flaw(path, text)
        return _told(language, (flaw,) if flaw else (), "error")
    language = grammars.language_of(path)
    if language not in grammars.WELL_KNOWN or len(text) > grammars.LONGEST_TEXT:
        return Checked()
    try:
        flaws = await grammars.flaws(language, text)
    except ToolError as error:
        # It would take too long: that is no fault of the text's, but worth knowing.
        flaws = (Flaw(message=str(error).removesuffix(".")),)
    # Brackets left open are explained by no newer syntax.
    is_sure = any(flaw.unbalanced for flaw in flaws)
    return _told(language, flaws, "error" if is_sure else "warning")


def _told(language: str, flaws: tuple[Flaw, ...], severity: Severity) -> Checked:
    problems = (
        CodeProblem(
            line=max(1, flaw.line),
            column=max(1, flaw.column),
            message=flaw.message,
            severity=severity,
            source=language,
        )
        for flaw in flaws
    )
    return Checked(language=language, problems=tuple(problems))
