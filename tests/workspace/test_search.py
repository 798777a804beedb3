import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from codelab.workspace.errors import FileMissing, PathRefused, PatternInvalid, SearchFailed
from codelab.workspace.folder import Folder
from codelab.workspace.rules import Audience, Rules
from codelab.workspace.sandbox.box import Caps
from codelab.workspace.sandbox.sandbox import Sandbox
from codelab.workspace.settings import WorkspaceSettings

CATASTROPHIC = [
    r"(a+)+$",
    r"(a|aa)+$",
    r"(a|a)*$",
    r"(.*a){20}",
    r"([a-zA-Z]+)*$",
    r"(a*)*b",
    r"^(([a-z])+.)+[A-Z]([a-z])+$",
    r"(x+x+)+y",
    r"(\w+\s?)*$",
    r"a{1,200}a{1,200}b",
]


@pytest.fixture(params=["bubblewrap", "none"])
def searched(
    request: pytest.FixtureRequest, root: Path, data_dir: Path, threads: ThreadPoolExecutor
) -> Folder:
    """The project where boxes work, and where commands are off."""
    settings = WorkspaceSettings(data_dir=data_dir)
    if request.param == "none":
        settings = WorkspaceSettings(data_dir=data_dir, sandbox="none")
    sandbox = Sandbox(settings)
    return Folder(root, Rules(Audience.AGENT), sandbox, request.param, threads)


async def test_lines_are_found_in_order(searched: Folder, root: Path) -> None:
    (root / "b.txt").write_text("one\nneedle: two\nthree needle\r\n", "utf-8")
    (root / "a").mkdir()
    (root / "a" / "c d.txt").write_text("needle", "utf-8")
    (root / "bin.dat").write_bytes(b"needle\0\0")
    found = await searched.search("needle")
    assert [(match.path, match.line, match.text) for match in found.matches] == [
        ("a/c d.txt", 1, "needle"),
        ("b.txt", 2, "needle: two"),
        ("b.txt", 3, "three needle"),
    ]
    assert not found.truncated
    assert [m.path for m in (await searched.search("needle", "a")).matches] == ["a/c d.txt"]
    assert [m.line for m in (await searched.search("^n", "b.txt")).matches] == [2]
    assert (await searched.search("nothing here")).matches == ()


@pytest.mark.parametrize("pattern", ["(", "[a", "a{1,", "(?=look)", r"(a)\1", "\\", "a\nb", "*"])
async def test_a_bad_pattern_is_explained(searched: Folder, root: Path, pattern: str) -> None:
    (root / "a.txt").write_text("a", "utf-8")
    with pytest.raises(PatternInvalid, match="not valid"):
        await searched.search(pattern)


@pytest.mark.parametrize("pattern", ["", "a\0b", "x" * 1001])
async def test_a_pattern_is_bounded(folder: Folder, pattern: str) -> None:
    with pytest.raises(PatternInvalid):
        await folder.search(pattern)


async def test_a_pattern_is_never_an_option(searched: Folder, root: Path) -> None:
    (root / "--files").mkdir()
    (root / "--files" / "a.txt").write_text("--pre=touch\n", "utf-8")
    found = await searched.search("--pre=touch", "--files")
    assert [match.path for match in found.matches] == ["--files/a.txt"]


async def test_catastrophic_patterns_take_no_time(searched: Folder, root: Path) -> None:
    (root / "a.txt").write_text("a" * 100_000 + "!\n", "utf-8")
    late = 0.0

    async def beat() -> None:
        nonlocal late
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.02)
            late = max(late, time.monotonic() - before - 0.02)

    heart = asyncio.create_task(beat())
    started = time.monotonic()
    await asyncio.gather(*(searched.search(pattern) for pattern in CATASTROPHIC * 2))
    assert time.monotonic() - started < 5
    heart.cancel()
    assert late < 0.5


async def test_results_are_bounded(searched: Folder, root: Path) -> None:
    for number in range(5):
        (root / f"{number}.txt").write_text("needle\n" * 1000, "utf-8")
    (root / "long.txt").write_text("needle " + "x" * 5_000_000, "utf-8")
    found = await searched.search("needle")
    assert len(found.matches) == 200
    assert found.truncated
    (line,) = (await searched.search("needle", "long.txt")).matches
    assert len(line.text) < 600


async def test_links_are_not_followed_out(searched: Folder, root: Path) -> None:
    (root.parent / "outside.txt").write_text("needle", "utf-8")
    (root / "link.txt").symlink_to("../outside.txt")
    (root / "out").symlink_to("..")
    assert (await searched.search("needle")).matches == ()
    for path in ("link.txt", "out"):
        with pytest.raises(PathRefused):
            await searched.search("needle", path)
    with pytest.raises(FileMissing):
        await searched.search("needle", "nowhere")


async def test_a_link_that_is_flipped_meanwhile_never_leads_out(
    boxed: Sandbox, folder: Folder, root: Path
) -> None:
    outside = root.parent / "out"
    for place in (root / "real", outside):
        (place / "deep").mkdir(parents=True)
    (outside / "deep" / "secret.txt").write_text("needle", "utf-8")
    for number in range(200):
        (root / "real" / f"{number}.txt").write_text("nothing", "utf-8")
    stop = threading.Event()

    def flip() -> None:
        while not stop.is_set():
            (root / "real").rename(root / "spare")
            (root / "real").symlink_to(outside)
            (root / "real").unlink()
            (root / "spare").rename(root / "real")

    flipper = threading.Thread(target=flip)
    flipper.start()
    try:
        ends = time.monotonic() + 1
        while time.monotonic() < ends:
            assert (await folder.search("needle")).matches == ()
    finally:
        stop.set()
        flipper.join()


async def test_a_line_that_is_too_long_for_the_memory_ends_a_search_and_says_so(
    boxed: Sandbox, root: Path, tmp_path: Path
) -> None:
    settings = WorkspaceSettings(data_dir=tmp_path / "small", caps=Caps(memory_mb=64))
    (root / "long.txt").write_bytes(b"a needle " * 20_000_000)
    with ThreadPoolExecutor(1) as threads:
        folder = Folder(root, Rules(Audience.AGENT), Sandbox(settings), "bubblewrap", threads)
        with pytest.raises(SearchFailed, match="memory"):
            await folder.search("no such line")
    (root / "long.txt").unlink()


async def test_a_file_that_is_too_large_to_be_read_is_searched(
    searched: Folder, root: Path
) -> None:
    (root / "large.log").write_text("a line\n" * 1_600_000 + "the needle\n")
    (found,) = (await searched.search("needle", "large.log")).matches
    assert found.line == 1_600_001
