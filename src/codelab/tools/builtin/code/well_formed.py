"""Whether a file's text is valid in its language, before a human is asked about it.

A grammar may be older than the code. So of languages other than Python, JSON, YAML and TOML
nothing is said of a file that had flaws before; and of a new one only where brackets are left
open, which no newer syntax explains.
"""

from __future__ import annotations

from codelab.sdk import ToolContext, ToolError
from codelab.sdk.code import syntax
from codelab.sdk.code.grammars import LONGEST_TEXT, WELL_KNOWN, flaws, language_of
from codelab.sdk.errors import NotFound


async def check(context: ToolContext, path: str, text: str) -> None:
    """Check a file against what is there now.

    Raises:
        ToolError: It would not be valid, or not be well formed any more; says where and why.
    """
    flaw = await syntax.first_flaw(path, text)
    if flaw is not None:
        raise ToolError(
            f"{path} would not be valid {syntax.language_of(path)}: {flaw}. Mend it and try again."
        )
    language = language_of(path)
    if language in WELL_KNOWN and len(text) <= LONGEST_TEXT:
        await _check_tree(context, path, language, text)


async def _check_tree(context: ToolContext, path: str, language: str, text: str) -> None:
    found = await flaws(language, text)
    if not found:
        return
    before = await _text_now(context, path)
    if before is None and not found[0].unbalanced:
        return
    if before is not None and await _is_flawed(language, before):
        return
    raise ToolError(
        f"{path} would not be well-formed {language}: {found[0]}. Mend it and try again."
    )


async def _text_now(context: ToolContext, path: str) -> str | None:
    try:
        return (await context.workspace.read(path)).text
    except NotFound:
        return None


async def _is_flawed(language: str, text: str) -> bool:
    return len(text) > LONGEST_TEXT or bool(await flaws(language, text))
