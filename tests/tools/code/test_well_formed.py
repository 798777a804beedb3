"""Whether code would still be well formed, before a human is asked."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from codelab.sdk import ToolError
from codelab.sdk.code.grammars import flaws
from tests.tools.conftest import Bench

GOOD = {
    "a.js": "const a = () => <B c={1}>{`x${d}`} text</B>;\n",
    "a.ts": "export const a = <T,>(x: T): x is T & {} => /[{]/.test(`${x}`);\n",
    "a.tsx": "export const A = ({ b }: Props) => <div>{b}</div>;\n",
    "a.go": 'package a\n\nfunc f() string {\n\treturn "{"\n}\n',
    "a.rs": "fn main() { println!(\"{}\", '{'); }\n",
    "A.java": "class A { char c = '{'; String s() { return \"(\"; } }\n",
}


def write(path: str, content: str) -> str:
    return msgspec.json.encode({"path": path, "content": content}).decode()


def edit(path: str, old: str, new: str) -> str:
    replacement = {"old_text": old, "new_text": new}
    return msgspec.json.encode({"path": path, "replacements": [replacement]}).decode()


@pytest.mark.parametrize("path", GOOD)
async def test_what_is_well_formed_passes(bench: Bench, path: str) -> None:
    assert (await bench.run("write_file", write(path, GOOD[path]))).ok


@pytest.mark.parametrize("path", GOOD)
async def test_a_bracket_left_open_is_named_with_its_place(bench: Bench, path: str) -> None:
    broken = GOOD[path] + "\n{ ("
    with pytest.raises(ToolError, match=r"would not be well-formed \w+: line \d, column \d+: "):
        await bench.run("write_file", write(path, broken))


@pytest.mark.parametrize(
    ("path", "text", "problem"),
    [
        ("a.py", "x = 1\nif x\n", "valid Python: line 2, column 5: expected ':'"),
        ("a.json", "{", "valid JSON: line 1, column 2"),
    ],
)
async def test_what_has_a_parser_of_its_own_must_be_valid(
    bench: Bench, path: str, text: str, problem: str
) -> None:
    with pytest.raises(ToolError, match=f"{path} would not be {problem}.*Mend it"):
        await bench.run("write_file", write(path, text))


async def test_a_change_must_not_break_what_was_well_formed(bench: Bench, root: Path) -> None:
    (root / "a.go").write_text("package a\n\nvar x = 1\n")
    with pytest.raises(ToolError, match=r"a\.go would not be well-formed Go: line 3, column"):
        await bench.run("edit_file", edit("a.go", "var x = 1", "var x = = 1"))
    assert (root / "a.go").read_text() == "package a\n\nvar x = 1\n"


async def test_what_had_flaws_before_may_be_changed(bench: Bench, root: Path) -> None:
    (root / "a.rs").write_text("fn main() { let x = ; }\n")
    assert (await bench.run("edit_file", edit("a.rs", "x", "y"))).ok


async def test_new_files_with_syntax_that_the_grammar_may_not_know_pass(bench: Bench) -> None:
    unknown = "const a = b |> c(%, { d: 1 });\n"
    assert await flaws("JavaScript", unknown)
    assert (await bench.run("write_file", write("new.js", unknown))).ok


async def test_other_files_are_none_of_its_business(bench: Bench) -> None:
    assert (await bench.run("write_file", write("a.txt", "{{{"))).ok
    assert (await bench.run("write_file", write("long.js", "{\n" * 200_000))).ok
