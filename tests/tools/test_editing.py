import time
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelab.sdk import ToolError
from codelab.tools.builtin.replacements import Replacement, apply
from tests.tools.conftest import Bench

TEXT = "import os\n\n\ndef first():\n    return 1\n\n\ndef second():\n    return 1\n"


def edit(old: str, new: str, *, everywhere: bool = False) -> Replacement:
    return Replacement(old_text=old, new_text=new, replace_all=everywhere)


def arguments(path: str, *replacements: Replacement) -> str:
    return msgspec.json.encode({"path": path, "replacements": replacements}).decode()


async def test_several_replacements_in_one_call(bench: Bench, root: Path) -> None:
    (root / "a.py").write_text(TEXT, "utf-8")
    prepared = await bench.prepare(
        "edit_file",
        arguments(
            "a.py",
            edit("import os\n", "import sys\n"),
            edit("def second():\n    return 1", "def second():\n    return 2"),
        ),
    )
    assert "-import os\n+import sys" in prepared.preview
    assert "-    return 1\n+    return 2" in prepared.preview
    assert (root / "a.py").read_text("utf-8") == TEXT
    result = await bench.tools.execute(prepared, bench.context)
    assert result.output == "Changed a.py (2 replacements)."
    assert (root / "a.py").read_text("utf-8") == TEXT.replace("os", "sys").replace(
        "second():\n    return 1", "second():\n    return 2"
    )


async def test_all_or_nothing(bench: Bench, root: Path) -> None:
    (root / "a.py").write_text(TEXT, "utf-8")
    with pytest.raises(ToolError, match="Replacement 2 of 2 does not match"):
        await bench.prepare("edit_file", arguments("a.py", edit("os", "sys"), edit("third", "x")))
    with pytest.raises(ToolError, match="line 5"):
        await bench.prepare("edit_file", arguments("a.py", edit("return 1\n\n\ndef", "return (")))
    with pytest.raises(ToolError, match="nothing to write"):
        await bench.prepare("edit_file", arguments("a.py", edit("os", "os")))
    with pytest.raises(ToolError, match="There is no file"):
        await bench.prepare("edit_file", arguments("b.py", edit("os", "sys")))
    assert (root / "a.py").read_text("utf-8") == TEXT


def test_a_replacement_must_be_unambiguous() -> None:
    with pytest.raises(ToolError, match=r"matches 2 times in a.py \(lines 5, 9\)"):
        apply(TEXT, (edit("return 1", "return 2"),), "a.py")
    both = apply(TEXT, (edit("return 1", "return 2", everywhere=True),), "a.py").text
    assert both.count("return 2") == 2


def test_the_nearest_text_is_shown() -> None:
    with pytest.raises(ToolError) as caught:
        apply(TEXT, (edit("def secnd():\n  return 1", "x"),), "a.py")
    assert "     8\tdef second():\n     9\t    return 1" in caught.value.message
    with pytest.raises(ToolError, match="Nothing in it is similar"):
        apply(TEXT, (edit("§§§§", "x"),), "a.py")


def test_looking_for_it_takes_no_time() -> None:
    text = "".join(f"some line that is like the others {n}\n" for n in range(300_000))
    started = time.monotonic()
    with pytest.raises(ToolError):
        apply(text, (edit("a line which is unlike the other ones", "x"),), "a.py")
    assert time.monotonic() - started < 5


def test_a_text_that_grows_beyond_measure_is_never_made() -> None:
    grow = edit("a", "a" * 100_000, everywhere=True)
    with pytest.raises(ToolError, match=r"2 of 2 would make a\.txt too large"):
        apply("a", (grow, grow), "a.txt")


def test_what_matches_a_million_times_is_said_at_once() -> None:
    started = time.process_time()
    with pytest.raises(ToolError, match=r"1000000 times in a.txt \(lines 1, 2, 3, 4, .*, 10\)"):
        apply("a\n" * 1_000_000, (edit("a", "b"),), "a.txt")
    assert time.process_time() - started < 1


def test_later_replacements_see_the_earlier_ones() -> None:
    assert apply("a", (edit("a", "b"), edit("b", "c")), "x").text == "c"


@pytest.mark.parametrize("end", ["", "\r\n"])
def test_line_endings_and_the_final_newline_stay(end: str) -> None:
    text = "one\r\ntwo\r\nthree" + end
    changed = apply(text, (edit("two\nthree", "2\n3"),), "x").text
    assert changed == "one\r\n2\r\n3" + end


async def test_bytes_that_were_not_meant_stay_as_they_are(bench: Bench, root: Path) -> None:
    data = b"\xef\xbb\xbfone\r\ntwo\x0bthree\r\nfour"
    (root / "a.txt").write_bytes(data)
    await bench.run("edit_file", arguments("a.txt", edit("one", "1")))
    assert (root / "a.txt").read_bytes() == data.replace(b"one", b"1")


@given(st.text(alphabet="ab\n", max_size=40), st.text("ab\n", min_size=1, max_size=4), st.text())
def test_a_replacement_changes_what_it_names_and_nothing_else(
    text: str, old: str, new: str
) -> None:
    count = text.count(old)
    try:
        changed = apply(text, (edit(old, new),), "x").text
    except ToolError:
        assert count != 1
        return
    assert count == 1
    before, _, after = text.partition(old)
    assert changed == before + new + after


async def test_the_good_ones_alone_when_asked_to(bench: Bench, root: Path) -> None:
    (root / "a.py").write_text(TEXT, "utf-8")
    asked = {
        "path": "a.py",
        "replacements": [edit("third", "x"), edit("os", "sys"), edit("return 1", "return 3")],
        "skip_unmatched": True,
    }
    prepared = await bench.prepare("edit_file", msgspec.json.encode(asked).decode())
    result = await bench.tools.execute(prepared, bench.context)
    assert result.ok
    told = result.output.splitlines()
    assert told[:2] == ["Changed a.py (1 replacements).", "Not made:"]
    assert "Replacement 1 of 3 does not match anything in a.py." in result.output
    assert "Replacement 3 of 3 matches 2 times in a.py (lines 5, 9)." in result.output
    assert (root / "a.py").read_text("utf-8") == TEXT.replace("os", "sys")


def test_nothing_good_is_an_error_that_names_all() -> None:
    with pytest.raises(ToolError) as caught:
        apply(TEXT, (edit("third", "x"), edit("fourth", "x")), "a.py", skip=True)
    assert "Replacement 1 of 2" in caught.value.message
    assert "Replacement 2 of 2" in caught.value.message
