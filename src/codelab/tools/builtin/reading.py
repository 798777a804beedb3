"""read_file."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Annotated

import msgspec
from msgspec import Meta

from codelab.sdk import Category, Risk, Tool, ToolContext, ToolResult
from codelab.sdk.masking import mask_key_blocks
from codelab.sdk.workspace import FileContent
from codelab.tools.builtin.fields import FilePath
from codelab.tools.builtin.numbering import numbered

LineNumber = Annotated[int, Meta(ge=1, le=100_000_000)]

# Of large files the answer is worth keeping: finding the outline takes longer than reading.
_KEPT = 64
_WORTH_KEEPING = 100_000


class ReadFileParameters(msgspec.Struct, frozen=True, kw_only=True):
    """What to read."""

    path: FilePath
    start_line: Annotated[
        LineNumber | None, Meta(description="First line to read, from 1; default: the beginning.")
    ] = None
    end_line: Annotated[
        LineNumber | None, Meta(description="Last line to read; default: the end.")
    ] = None


class ReadFile(Tool[ReadFileParameters]):
    """Shows a text file, or a range of its lines, with line numbers."""

    name = "read_file"
    description = (
        "Read a text file of the workspace with line numbers. Of a large file without a range you "
        "get an outline and the beginning; then read the ranges that matter. The numbers and the "
        "tab after them are not part of the file."
    )
    parameters = ReadFileParameters
    category = Category.READ
    risk = Risk.LOW

    def __init__(self) -> None:
        # By the digest of all that was read: a file that changed has another one.
        self._answers: OrderedDict[tuple[str, ReadFileParameters], ToolResult] = OrderedDict()

    def paths(self, parameters: ReadFileParameters) -> tuple[str, ...]:
        """Name the file."""
        return (parameters.path,)

    async def execute(self, context: ToolContext, parameters: ReadFileParameters) -> ToolResult:
        """Read it."""
        content = await context.workspace.read(parameters.path)
        if content.size < _WORTH_KEEPING:
            return await _answer(content, parameters)
        asked = (content.digest, parameters)
        answer = self._answers.pop(asked, None) or await _answer(content, parameters)
        self._answers[asked] = answer
        if len(self._answers) > _KEPT:
            self._answers.popitem(last=False)
        return answer


async def _answer(content: FileContent, parameters: ReadFileParameters) -> ToolResult:
    def read() -> tuple[str, bool]:
        # Before the text is cut: of a part of a key nobody could tell what it is.
        text = mask_key_blocks(content.text)
        return numbered(text, content.path, parameters.start_line, parameters.end_line)

    text, is_partial = await asyncio.to_thread(read)
    return ToolResult(output=text, truncated=is_partial)
