from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelab.tools.builtin.numbering import numbered
from tests.tools.conftest import Bench


def arguments(**values: object) -> str:
    return msgspec.json.encode(values).decode()


async def test_a_file_is_shown_with_line_numbers(bench: Bench, root: Path) -> None:
    (root / "a.py").write_text("one\n\tдва\r\n\nfour", "utf-8", newline="")
    result = await bench.run("read_file", arguments(path="a.py"))
    assert result.output == "     1\tone\n     2\t\tдва\n     3\t\n     4\tfour"
    assert not result.truncated


@pytest.mark.parametrize(
    ("start", "end", "shown"),
    [(2, 3, [2, 3]), (9, None, [9, 10]), (None, 2, [1, 2]), (10, 99, [10]), (4, 4, [4])],
)
async def test_a_range(
    bench: Bench, root: Path, start: int | None, end: int | None, shown: list[int]
) -> None:
    (root / "a.txt").write_text("".join(f"line {n}\n" for n in range(1, 11)), "utf-8")
    result = await bench.run("read_file", arguments(path="a.txt", start_line=start, end_line=end))
    lines = result.output.split("\n")
    assert lines[:-1] == [f"{n:>6}\tline {n}" for n in shown]
    assert lines[-1] == f"(lines {shown[0]} to {shown[-1]} of 10)"


async def test_beyond_the_end_and_empty(bench: Bench, root: Path) -> None:
    (root / "a.txt").write_text("one\n", "utf-8")
    (root / "empty.txt").write_text("", "utf-8")
    beyond = await bench.run("read_file", arguments(path="a.txt", start_line=5))
    assert beyond.output == "a.txt has 1 lines; there is no line 5."
    assert (await bench.run("read_file", arguments(path="empty.txt"))).output.endswith("is empty.")


async def test_of_a_large_file_the_outline_comes_first(bench: Bench, root: Path) -> None:
    text = "".join(f"class C{n}:\n    async def run(self):\n        x = {n}\n" for n in range(1000))
    (root / "large.py").write_text(text, "utf-8")
    result = await bench.run("read_file", arguments(path="large.py"))
    assert result.truncated
    assert "     1\tclass C0:\n     2\t    async def run(self):\n     4\tclass C1:" in result.output
    assert "   298\tclass C99:\n   299\t    async def run(self):\n… further" in result.output
    assert "further definitions may follow after line 299" in result.output
    assert '"start_line": 101, "end_line": 3000' in result.output
    assert len(result.output) < 30_000
    part = await bench.run("read_file", arguments(path="large.py", start_line=2999, end_line=3000))
    assert part.output.startswith("  2999\t    async def run(self):\n  3000\t        x = 999")


async def test_reading_on_from_where_a_part_ended_gives_everything(
    bench: Bench, root: Path
) -> None:
    (root / "large.txt").write_text("".join(f"{n} {'x' * 500}\n" for n in range(300)), "utf-8")
    start, seen = 1, 0
    for _ in range(20):
        result = await bench.run(
            "read_file", arguments(path="large.txt", start_line=start, end_line=300)
        )
        assert len(result.output) <= 48_000
        seen += sum("\t" in line for line in result.output.split("\n"))
        start = seen + 1
        if not result.truncated:
            break
        assert f'"start_line": {start}' in result.output
    assert seen == 300


async def test_an_endless_line_is_cut(bench: Bench, root: Path) -> None:
    (root / "min.js").write_text("x" * 3_000_000, "utf-8")
    result = await bench.run("read_file", arguments(path="min.js"))
    assert len(result.output) < 5000
    assert "more characters in this line" in result.output


async def test_what_cannot_be_read_says_why(bench: Bench, root: Path) -> None:
    (root / "a.bin").write_bytes(b"\0\1")
    (root / "a.txt").write_bytes(b"\xff\xff")
    for path, why in (
        ("a.bin", "binary"),
        ("a.txt", "0xff"),
        ("none.txt", "There is no file"),
        (".env", "hidden"),
        ("build/x", "excluded"),
    ):
        result = await bench.run("read_file", arguments(path=path))
        assert not result.ok
        assert why in result.output


@given(
    st.text(alphabet="ab\n\r\tclass ", max_size=300),
    st.none() | st.integers(1, 50),
    st.none() | st.integers(1, 50),
)
def test_every_line_that_is_shown_is_the_files(
    text: str, start: int | None, end: int | None
) -> None:
    shown, _ = numbered(text, "a.txt", start, end)
    lines = text.split("\n")
    for line in shown.split("\n"):
        number, tab, content = line.partition("\t")
        if tab and number.strip().isdigit():
            assert lines[int(number) - 1].removesuffix("\r") == content
