import os
import time
from pathlib import Path

import pytest

from codelab.workspace.errors import FileMissing, PathRefused
from codelab.workspace.folder import Folder


async def test_a_folder_is_listed_with_sizes(folder: Folder, root: Path) -> None:
    (root / "b").mkdir()
    (root / "b" / "c.txt").write_text("12345", "utf-8")
    (root / "a.txt").write_text("1", "utf-8")
    listing = await folder.list()
    assert [(entry.path, entry.is_folder, entry.size) for entry in listing.entries] == [
        ("a.txt", False, 1),
        ("b", True, 0),
    ]
    assert not listing.truncated
    everything = await folder.list(recursive=True)
    assert [entry.path for entry in everything.entries] == ["a.txt", "b", "b/c.txt"]
    inside = await folder.list("b")
    assert [entry.path for entry in inside.entries] == ["b/c.txt"]


async def test_what_is_no_folder_cannot_be_listed(folder: Folder, root: Path) -> None:
    (root / "a.txt").write_text("1", "utf-8")
    for path in ("a.txt", "nothing"):
        with pytest.raises(FileMissing, match="There is no folder"):
            await folder.list(path)


async def test_a_huge_folder_gives_a_bounded_answer(folder: Folder, root: Path) -> None:
    with os.scandir(root):
        for number in range(20_000):
            os.mknod(root / f"file-{number:06}.txt")
    for recursive in (False, True):
        listing = await folder.list(recursive=recursive)
        assert len(listing.entries) == 1000
        assert listing.truncated
        # The same ones each time, and the others are counted.
        assert listing.entries[0].path == "file-000000.txt"
        assert listing.more == 19_000 or not listing.is_complete


async def test_large_folders_are_summed_up_where_not_all_has_room(
    folder: Folder, root: Path
) -> None:
    for name, count in (("data", 1200), ("src", 20), ("data/deep", 30)):
        (root / name).mkdir()
        for number in range(count):
            (root / name / f"{number}.txt").write_text("1234", "utf-8")
    listing = await folder.list(recursive=True)
    folders = {entry.path: entry for entry in listing.entries if entry.is_folder}
    assert [(entry.files, entry.files_size) for entry in folders.values()] == [
        (1230, 4920),
        (20, 80),
    ]
    assert (folders["data"].is_folded, folders["src"].is_folded) == (True, False)
    assert len(listing.entries) == 22
    assert listing.truncated
    assert listing.is_complete
    inside = await folder.list("data", recursive=True)
    assert len(inside.entries) == 1000
    assert inside.more == 201


async def test_each_entry_says_what_it_is(folder: Folder, root: Path) -> None:
    (root / "a.txt").write_text("12", "utf-8")
    (root / "folder").mkdir()
    (root / "link").symlink_to("a.txt")
    os.mkfifo(root / "pipe")
    kinds = {entry.path: entry.kind for entry in (await folder.list()).entries}
    assert kinds == {"a.txt": "file", "folder": "folder", "link": "link", "pipe": "other"}


async def test_a_deep_tree_shows_what_is_near_first(folder: Folder, root: Path) -> None:
    place = root
    for _ in range(60):
        for number in range(30):
            (place / f"{number}.txt").write_text("", "utf-8")
        place /= "d"
        place.mkdir()
    listing = await folder.list(recursive=True)
    assert listing.truncated
    assert 950 < len(listing.entries) <= 1000
    assert {"0.txt", "29.txt", "d", "d/d/d/0.txt"} <= {entry.path for entry in listing.entries}


async def test_many_excluded_entries_do_not_take_long(folder: Folder, root: Path) -> None:
    for number in range(21_000):
        os.mknod(root / f"{number}.pyc")
    started = time.monotonic()
    listing = await folder.list()
    assert time.monotonic() - started < 4
    assert listing.entries == ()
    assert listing.truncated is not listing.is_complete


async def test_links_are_shown_and_not_followed(folder: Folder, root: Path) -> None:
    (root / "out").symlink_to("..")
    (root / "round").symlink_to(".")
    listing = await folder.list(recursive=True)
    assert [(entry.path, entry.is_folder) for entry in listing.entries] == [
        ("out", False),
        ("round", False),
    ]
    with pytest.raises(PathRefused):
        await folder.list("out")


async def test_a_name_that_cannot_be_asked_for_is_left_out(folder: Folder, root: Path) -> None:
    (root / "good.txt").touch()
    for name in (b"bad\nname", b"back\\slash", b"\xff\xfe", "\u202ereversed".encode()):
        (root / os.fsdecode(name)).touch()
    assert [entry.path for entry in (await folder.list()).entries] == ["good.txt"]
