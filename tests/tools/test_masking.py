"""Secrets in files and in output reach neither models nor clients, and survive what agents do."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelab.kit.masking import mask
from codelab.sdk import Category, Tool, ToolContext, ToolError, ToolResult
from codelab.tools.execution import LONGEST_RESULT, bounded
from codelab.tools.masked_output import MaskedOutput
from tests.tools.conftest import Bench

TOKEN = "ghp_" + "aB3dE6gH9kL2" * 3
MASK = "[masked: GitHub token]"
BODY = ["MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cK" + c for c in "jMA"]
KEY = "\n".join(["-----BEGIN PRIVATE KEY-----", *BODY, "-----END PRIVATE KEY-----", ""])


def arguments(**values: object) -> str:
    return msgspec.json.encode(values).decode()


async def test_read_tools_hide_secrets(bench: Bench, root: Path) -> None:
    (root / "a.py").write_text(f'x = 1\ntoken = "{TOKEN}"\n', "utf-8")
    (root / "key.pem").write_text(KEY, "utf-8")
    read = await bench.run("read_file", arguments(path="a.py"))
    assert read.output == f'     1\tx = 1\n     2\ttoken = "{MASK}"'
    found = await bench.run("search_files", arguments(pattern="token"))
    assert f'token = "{MASK}"' in found.output
    # A part of a key says nothing of what it is a part of.
    part = await bench.run("read_file", arguments(path="key.pem", start_line=3, end_line=3))
    assert part.output.startswith("     3\t[masked: private key]\n")


async def test_no_half_of_a_secret_stays_where_a_long_line_is_cut(bench: Bench, root: Path) -> None:
    (root / "a.json").write_text(f'{{"a": "{"." * 1960}", "token": "{TOKEN}"}}', "utf-8")
    read = await bench.run("read_file", arguments(path="a.json"))
    assert "more characters in this line" in read.output
    assert TOKEN[:6] not in read.output


async def test_what_a_refusal_quotes_is_masked_too(bench: Bench, root: Path) -> None:
    (root / "a.py").write_text(f'def first():\n    token = "{TOKEN}"\n', "utf-8")
    with pytest.raises(ToolError) as caught:
        replacements = [{"old_text": "def frst():", "new_text": "x"}]
        await bench.prepare("edit_file", arguments(path="a.py", replacements=replacements))
    assert MASK in caught.value.message
    assert TOKEN not in caught.value.message + str(caught.value)


@pytest.mark.usefixtures("boxed")
async def test_output_of_commands_is_masked_also_while_it_comes(bench: Bench, root: Path) -> None:
    half = len(TOKEN) // 2
    command = f"printf 'one {TOKEN[:half]}'; sleep 0.1; printf '{TOKEN[half:]} two\\n'; exit 3"
    result = await bench.run("execute_command", arguments(command=command))
    assert result.output == f"one {MASK} two\nExit code 3."
    assert "".join(bench.shown) == f"one {MASK} two\n"


class Echo(Tool[Any]):
    """Says what it was made to say."""

    name = "echo"
    description = "Says it."
    parameters = msgspec.defstruct("Nothing", [], frozen=True)
    category = Category.CONTROL

    def __init__(self, says: str, *, fails: bool) -> None:
        self.says, self.fails = says, fails

    async def execute(self, context: ToolContext, parameters: Any) -> ToolResult:
        context.on_output(self.says)
        if self.fails:
            raise ToolError(self.says)
        return ToolResult(output=self.says)


@pytest.mark.parametrize("fails", [False, True])
async def test_tools_of_plugins_are_masked_too(bench: Bench, fails: bool) -> None:
    bench.tools.register([Echo(f"it is {TOKEN}", fails=fails)])
    result = await bench.run("echo")
    assert (result.ok, result.output) == (not fails, f"it is {MASK}")
    assert bench.shown == ["it is ", MASK]


async def test_a_preview_shows_what_will_be_written(bench: Bench, root: Path) -> None:
    (root / "a.txt").write_text(f"one\n{TOKEN}\n", "utf-8")
    prepared = await bench.prepare("write_file", arguments(path="a.txt", content=f"{TOKEN}2\n"))
    assert f"-{TOKEN}\n+{TOKEN}2" in prepared.preview


async def test_a_mask_is_never_written_over_a_secret(bench: Bench, root: Path) -> None:
    (root / "a.env.txt").write_text(f"A=1\nTOKEN={TOKEN}\n", "utf-8")
    edits = [{"old_text": TOKEN, "new_text": MASK}]
    for name, values in (
        ("write_file", {"path": "a.env.txt", "content": f"A=2\nTOKEN={MASK}\n"}),
        ("write_file", {"path": "copy.txt", "content": f"TOKEN={MASK}\n"}),
        ("edit_file", {"path": "a.env.txt", "replacements": edits}),
    ):
        with pytest.raises(ToolError, match="would destroy the secret"):
            await bench.prepare(name, arguments(**values))
    edits = [{"old_text": f"TOKEN={MASK}", "new_text": "TOKEN=x"}]
    with pytest.raises(ToolError, match="stands for a secret that you are not shown"):
        await bench.prepare("edit_file", arguments(path="a.env.txt", replacements=edits))
    edits = [{"old_text": "A=1", "new_text": "A=2"}]
    result = await bench.run("edit_file", arguments(path="a.env.txt", replacements=edits))
    assert result.ok
    assert (root / "a.env.txt").read_text("utf-8") == f"A=2\nTOKEN={TOKEN}\n"


async def test_a_file_that_is_about_masks_can_be_written(bench: Bench, root: Path) -> None:
    (root / "notes.txt").write_text(f"A mask looks like {MASK}.\n", "utf-8")
    content = f"A mask looks like {MASK}, or so.\n"
    assert (await bench.run("write_file", arguments(path="notes.txt", content=content))).ok


def test_no_half_of_a_secret_stays_where_a_long_answer_is_cut() -> None:
    for shift in range(0, 60, 7):
        text = "x " * (LONGEST_RESULT // 4 - 60) + " " * shift + TOKEN + " y" * LONGEST_RESULT
        output = bounded(ToolResult(output=text[::-1].replace(TOKEN[::-1], TOKEN))).output
        assert "ghp_" not in output
        assert "ghp_" not in bounded(ToolResult(output=text)).output
        assert len(output) <= LONGEST_RESULT


@given(
    st.lists(
        st.sampled_from(["ok ", "\n", TOKEN, "token = ", '"Tr0ub4dor&3x"', "pass", "word: ", "://"])
        | st.text(max_size=4),
        max_size=12,
    ).map("".join),
    st.lists(st.integers(1, 15), min_size=1, max_size=6),
)
def test_the_way_output_is_cut_makes_no_difference(text: str, sizes: list[int]) -> None:
    shown: list[str] = []
    output, position, turn = MaskedOutput(shown.append), 0, 0
    while position < len(text):
        size = sizes[turn % len(sizes)]
        output.feed(text[position : position + size])
        position, turn = position + size, turn + 1
    output.close()
    assert "".join(shown) == mask(text)


def test_output_without_an_end_is_shown_all_the_same() -> None:
    shown: list[str] = []
    output = MaskedOutput(shown.append)
    for _ in range(3000):
        output.feed("token: .....")
    assert len("".join(shown)) > 20_000
    # Dots of a running test are shown as they come.
    shown.clear()
    output.feed("\nrunning ")
    output.feed("50 % ")
    assert shown[-1].endswith("50 % ")


def test_no_secret_is_cut_in_a_line_that_does_not_end() -> None:
    for begin in range(0, 200, 7):
        shown: list[str] = []
        output = MaskedOutput(shown.append)
        text = "token: ..... " * 610 + "." * begin + f" {TOKEN} and more"
        for start in range(0, len(text), 100):
            output.feed(text[start : start + 100])
        output.close()
        assert TOKEN not in "".join(shown)
