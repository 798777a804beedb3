from pathlib import Path

import msgspec

from tests.tools.conftest import Bench


def arguments(**values: object) -> str:
    return msgspec.json.encode(values).decode()


async def test_listing(bench: Bench, root: Path) -> None:
    (root / "src").mkdir()
    (root / "src" / "main.py").write_text("x" * 1500, "utf-8")
    (root / "a.txt").write_text("12", "utf-8")
    (root / ".env").write_text("KEY", "utf-8")
    assert (await bench.run("list_files")).output == "a.txt  2 B\nsrc/"
    everything = await bench.run("list_files", arguments(recursive=True))
    assert everything.output == "a.txt  2 B\nsrc/\nsrc/main.py  1.5 kB"
    (root / "empty").mkdir()
    assert (await bench.run("list_files", arguments(path="empty"))).output == "(nothing here)"


async def test_a_large_listing_says_that_there_is_more(bench: Bench, root: Path) -> None:
    for number in range(1100):
        (root / f"{number}.txt").touch()
    result = await bench.run("list_files")
    assert result.truncated
    assert result.output.endswith(
        "(there is more; list one of the folders above or search instead)"
    )


async def test_searching(bench: Bench, root: Path) -> None:
    (root / "a.txt").write_text("one\ntwo needle\nneedle three\n", "utf-8")
    (root / "b.txt").write_text("needle\n", "utf-8")
    result = await bench.run("search_files", arguments(pattern="n[e]{2}dle"))
    assert result.output == "a.txt\n     2\ttwo needle\n     3\tneedle three\nb.txt\n     1\tneedle"
    nothing = await bench.run("search_files", arguments(pattern="absent"))
    assert nothing.output == "No line matches."
    bad = await bench.run("search_files", arguments(pattern="("))
    assert not bad.ok
    assert "unclosed group" in bad.output
    (root / "many.txt").write_text("needle\n" * 500, "utf-8")
    many = await bench.run("search_files", arguments(pattern="needle"))
    assert many.truncated
    assert many.output.endswith("(there is more; narrow the pattern or the path)")
