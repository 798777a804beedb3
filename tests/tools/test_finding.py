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
    assert everything.output == "a.txt  2 B\nsrc/  (1 file, 1.5 kB)\nsrc/main.py  1.5 kB"
    (root / "empty").mkdir()
    assert (await bench.run("list_files", arguments(path="empty"))).output == "(nothing here)"


async def test_a_large_listing_says_that_there_is_more(bench: Bench, root: Path) -> None:
    for number in range(1100):
        (root / f"{number}.txt").touch()
    result = await bench.run("list_files")
    assert result.truncated
    assert "(100 further entries in this folder)" in result.output
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
    assert many.output.endswith("(there is more; narrow the pattern, the path or the glob)")


async def test_a_large_tree_is_summed_up(bench: Bench, root: Path) -> None:
    for name, count in (("data", 1100), ("src", 2)):
        (root / name).mkdir()
        for number in range(count):
            (root / name / f"{number}.txt").write_text("1234567890", "utf-8")
    (root / "link").symlink_to("src")
    result = await bench.run("list_files", arguments(recursive=True))
    assert result.output.split("\n") == [
        "data/  (1,100 files, 11.0 kB, not listed)",
        "link  3 B  (link)",
        "src/  (2 files, 20 B)",
        "src/0.txt  10 B",
        "src/1.txt  10 B",
        "(there is more; list one of the folders above or search instead)",
    ]


async def test_one_file_does_not_push_out_the_others(bench: Bench, root: Path) -> None:
    for name, count in (("a.txt", 90), ("b.txt", 90), ("c.txt", 90), ("d.txt", 3)):
        (root / name).write_text("needle\n" * count, "utf-8")
    lines = (await bench.run("search_files", arguments(pattern="needle"))).output.split("\n")
    assert lines.count("     1\tneedle") == 4
    assert lines.count("       (at least 24 more in this file)") == 3
    for number in range(30):
        (root / f"e{number:02}.txt").write_text("needle\n" * 15, "utf-8")
    many = (await bench.run("search_files", arguments(pattern="needle"))).output
    assert "(matches too, with at least so many lines: e" in many
    assert " and " in many.split("\n")[-2]


async def test_globs_and_case(bench: Bench, root: Path) -> None:
    (root / "src").mkdir()
    (root / "build").mkdir()
    for path in ("src/a.py", "src/a.js", "build/b.py", ".hidden.py", "ignored.py"):
        (root / path).write_text("Needle\n", "utf-8")
    (root / ".gitignore").write_text("ignored.py\n", "utf-8")

    async def found(**values: object) -> str:
        return (await bench.run("search_files", arguments(pattern="needle", **values))).output

    assert await found() == "No line matches."
    assert await found(ignore_case=True, glob="*.py") == "src/a.py\n     1\tNeedle"
    assert await found(ignore_case=True, glob="src/*.js") == "src/a.js\n     1\tNeedle"
    assert await found(ignore_case=True, glob="!*.py") == "src/a.js\n     1\tNeedle"
    # No glob brings back what is left out.
    for glob in ("build/**", ".hidden.py", "ignored.py", "-e", "--files"):
        assert await found(ignore_case=True, glob=glob) == "No line matches."
    assert "not valid" in await found(glob="[a")
