"""Whether code of other languages than Python is well formed, before a human is asked about it.

A grammar may be older than the code. So nothing is said of a file that had flaws before; and of a
new one only where brackets are left open, which no newer syntax explains.
"""

from __future__ import annotations

from codelab.sdk import ToolContext, ToolError
from codelab.sdk.errors import NotFound
from codelab.tools.builtin.code.grammars import LONGEST_TEXT, Flaw, first_flaw, language_of

_CHECKED = {"Go", "Java", "JavaScript", "Rust", "TSX", "TypeScript"}


async def check(context: ToolContext, path: str, text: str) -> None:
    """Check a file against what is there now.

    Raises:
        ToolError: It would not be well formed any more; names the line and the column.
    """
    language = language_of(path)
    if language not in _CHECKED or len(text) > LONGEST_TEXT:
        return
    flaw = await first_flaw(language, text)
    if flaw is None:
        return
    before = await _text_now(context, path)
    if before is None and not flaw.unbalanced:
        return
    if before is not None and await _is_flawed(language, before):
        return
    raise ToolError(
        f"{path} would not be well-formed {language}: {_described(flaw)}. Mend it and try again."
    )


async def _text_now(context: ToolContext, path: str) -> str | None:
    try:
        return (await context.workspace.read(path)).text
    except NotFound:
        return None


async def _is_flawed(language: str, text: str) -> bool:
    return len(text) > LONGEST_TEXT or await first_flaw(language, text) is not None


def _described(flaw: Flaw) -> str:
    what = f"{flaw.missing!r} is missing" if flaw.missing else "this cannot be read"
    return f"line {flaw.line}, column {flaw.column}: {what}"
