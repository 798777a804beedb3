"""Nothing outside the workspace is ever opened, whatever lies in it and whoever moves it."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codelab.kit.errors import CodeLabError
from codelab.workspace.errors import FileMissing, NotRegular, PathRefused, WorkspaceGone
from codelab.workspace.folder import Folder
from codelab.workspace.paths import has_openat2, opened_root, walk
from codelab.workspace.text import digest_of
from tests.workspace.conftest import MakeFolder
from tests.workspace.places import names, remove

RACE_S = 1.0
FLIPPED_ENTRIES = {"flipped/secret.txt", "flipped/new.txt"}


async def test_links_inside_are_followed_and_those_that_lead_out_are_not(
    folder: Folder, root: Path
) -> None:
    (root / "real").mkdir()
    (root / "real" / "file.txt").write_text("inside", "utf-8")
    (root / "link.txt").symlink_to("real/file.txt")
    (root / "folder").symlink_to("real")
    (root / "up.txt").symlink_to("../outside.txt")
    (root / "absolute.txt").symlink_to(root.parent / "outside.txt")
    (root / "around.txt").symlink_to(root / "real" / "file.txt")
    (root / "out").symlink_to("..")
    (root / "loop").symlink_to("loop")
    if has_openat2():
        assert (await folder.read("link.txt")).text == "inside"
        assert (await folder.read("folder/file.txt")).text == "inside"
    for path in ("up.txt", "absolute.txt", "around.txt", "out/outside.txt", "loop"):
        with pytest.raises(PathRefused):
            await folder.read(path)
    for path in ("out/new.txt", "up.txt", "absolute.txt"):
        with pytest.raises(PathRefused):
            await folder.write(path, "x", before="")
        with pytest.raises(PathRefused):
            await folder.delete(path, before="")
    assert (root.parent / "outside.txt").read_text("utf-8") == "outside"
    assert not (root.parent / "new.txt").exists()


async def test_a_link_is_no_way_around_the_rules(folder: Folder, root: Path) -> None:
    (root / ".env").write_text("KEY=1", "utf-8")
    (root / "build").mkdir()
    (root / "build" / "out.txt").write_text("built", "utf-8")
    (root / "notes.txt").symlink_to(".env")
    (root / "made").symlink_to("build")
    for path in ("notes.txt", "made/out.txt"):
        with pytest.raises(PathRefused):
            await folder.read(path)
    for path in ("notes.txt", "made/out.txt", "made/new.txt"):
        with pytest.raises(PathRefused):
            await folder.plan_write(path, "x")
    with pytest.raises(PathRefused):
        await folder.list("made")


@pytest.mark.parametrize(
    "path",
    ["../project-sibling/file.txt", "/proc/self/environ", "../outside.txt", "a/../../outside.txt"],
)
async def test_paths_outside_are_refused(folder: Folder, path: str) -> None:
    with pytest.raises(PathRefused):
        await folder.read(path)
    with pytest.raises(PathRefused):
        await folder.write(path, "x", before="")
    with pytest.raises(PathRefused):
        await folder.list(path)
    with pytest.raises(PathRefused):
        await folder.search("x", path)


async def test_only_regular_files_are_read(folder: Folder, root: Path) -> None:
    # Whoever waited for a writer would wait for ever.
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as listener, opened_root(root) as descriptor:
        # The path of a socket must be short.
        listener.bind(f"/proc/self/fd/{descriptor}/socket")
        for name in ("pipe", "socket"):
            with pytest.raises(NotRegular):
                await folder.read(name)
            with pytest.raises(NotRegular):
                await folder.plan_write(name, "x")
    (root / "folder").mkdir()
    with pytest.raises(NotRegular):
        await folder.read("folder")
    with pytest.raises(NotRegular):
        await folder.plan_write("folder", "x")
    with pytest.raises(NotRegular):
        await folder.read(".")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a device")
async def test_a_device_is_refused(folder: Folder, root: Path) -> None:
    os.mknod(root / "zero", 0o20666, os.makedev(1, 5))
    with pytest.raises(NotRegular):
        await folder.read("zero")


async def test_links_into_proc_are_refused(folder: Folder, root: Path) -> None:
    (root / "environ").symlink_to("/proc/self/environ")
    (root / "self").symlink_to("/proc/self")
    (root / "root").symlink_to("/proc/self/root")
    for path in ("environ", "self/environ", "root/etc/passwd"):
        with pytest.raises(PathRefused):
            await folder.read(path)


async def test_what_is_missing_is_said_to_be_missing(folder: Folder, root: Path) -> None:
    (root / "file.txt").write_text("x", "utf-8")
    for path in ("nothing.txt", "nowhere/file.txt", "file.txt/inside"):
        with pytest.raises(FileMissing):
            await folder.read(path)


async def test_a_folder_that_vanished_is_said_to_be_gone(folder: Folder, root: Path) -> None:
    remove(root)
    with pytest.raises(WorkspaceGone):
        await folder.read("file.txt")
    with pytest.raises(WorkspaceGone):
        await folder.run("true")
    (root.parent / root.name).symlink_to(root.parent)
    with pytest.raises(WorkspaceGone):
        await folder.read("outside.txt")


@contextmanager
def flipping(root: Path) -> Iterator[Path]:
    """A name in the project that leads inside and outside by turns; yields what lies outside."""
    outside = root.parent / "out"
    for place, content in ((root / "in", "inside"), (outside, "outside")):
        place.mkdir()
        (place / "secret.txt").write_text(content, "utf-8")
    (outside / "only-outside.txt").touch()
    stop = threading.Event()

    def flip() -> None:
        number = 0
        while not stop.is_set():
            for target in ("in", str(outside)):
                number += 1
                spare = root / f"spare-{number}"
                spare.symlink_to(target)
                spare.rename(root / "flipped")

    # From the beginning: whoever wrote below a name that is missing would make a folder of it.
    (root / "flipped").symlink_to("in")
    flipper = threading.Thread(target=flip)
    flipper.start()
    try:
        yield outside
    finally:
        stop.set()
        flipper.join()


@pytest.mark.skipif(not has_openat2(), reason="links are not followed at all on this kernel")
async def test_a_link_that_is_flipped_meanwhile_never_leads_out(folder: Folder, root: Path) -> None:
    seen = {"read": 0, "refused": 0}
    with flipping(root):
        ends = time.monotonic() + RACE_S
        while time.monotonic() < ends:
            try:
                assert (await folder.read("flipped/secret.txt")).text == "inside"
                seen["read"] += 1
            except CodeLabError:
                seen["refused"] += 1
    assert seen["read"]
    assert seen["refused"]


async def test_writing_and_listing_do_not_follow_a_flipped_link_out(
    folder: Folder, root: Path
) -> None:
    done = 0
    with flipping(root) as outside:
        ends = time.monotonic() + RACE_S
        while time.monotonic() < ends:
            with suppress(CodeLabError):
                listing = await folder.list("flipped")
                assert {entry.path for entry in listing.entries} <= FLIPPED_ENTRIES
                done += 1
            with suppress(CodeLabError):
                await folder.write("flipped/new.txt", "new", before="")
                await folder.delete("flipped/new.txt", before=digest_of(b"new"))
                done += 1
            with suppress(CodeLabError):
                plan = await folder.plan_delete("flipped/secret.txt")
                assert plan.before == digest_of(b"inside")
    assert done
    assert names(outside) == ["only-outside.txt", "secret.txt"]


def test_walking_never_leaves_the_root_while_a_folder_becomes_a_link(root: Path) -> None:
    """Where the kernel has no `openat2`, each component is opened without following links."""
    outside = root.parent / "out"
    for place, content in ((root / "real", "inside"), (outside, "outside")):
        place.mkdir()
        (place / "secret.txt").write_text(content, "utf-8")
    stop = threading.Event()

    def flip() -> None:
        while not stop.is_set():
            (root / "real").rename(root / "spare")
            (root / "real").symlink_to(outside)
            (root / "real").unlink()
            (root / "spare").rename(root / "real")
            stop.wait(0.0002)  # Long enough that some walks get through.

    flipper = threading.Thread(target=flip)
    flipper.start()
    seen = {"read": 0, "refused": 0}
    try:
        with opened_root(root) as descriptor:
            ends = time.monotonic() + RACE_S
            while time.monotonic() < ends:
                try:
                    found = walk(descriptor, "real/secret.txt", os.O_RDONLY)
                except OSError:
                    seen["refused"] += 1
                    continue
                got = os.read(found, 100)
                os.close(found)
                assert got == b"inside"
                seen["read"] += 1
    finally:
        stop.set()
        flipper.join()
    assert seen["read"]
    assert seen["refused"]


def test_without_openat2_no_link_is_followed(root: Path) -> None:
    (root / "real").mkdir()
    (root / "real" / "file.txt").write_text("inside", "utf-8")
    (root / "link").symlink_to("real")
    (root / "real" / "link.txt").symlink_to("file.txt")
    with opened_root(root) as descriptor:
        found = walk(descriptor, "real/file.txt", os.O_RDONLY)
        assert os.read(found, 100) == b"inside"
        os.close(found)
        for path in ("link/file.txt", "real/link.txt"):
            with pytest.raises(OSError, match=r"link|directory"):
                walk(descriptor, path, os.O_RDONLY)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.lists(
        st.sampled_from(["..", ".", "", "in", "out", "link", "secret.txt", "a", "~", "\0", "%2e"]),
        max_size=8,
    ),
    lead=st.sampled_from(["", "/", "//", "./", "../"]),
)
async def test_no_path_reads_anything_outside(
    make_folder: MakeFolder, root: Path, names: list[str], lead: str
) -> None:
    if not (root / "in").exists():
        (root / "in").mkdir()
        (root / "in" / "secret.txt").write_text("inside", "utf-8")
        (root / "out").symlink_to("..")
        (root / "in" / "out").symlink_to(root.parent)
        (root / "link").symlink_to("in/../../outside.txt")
        (root.parent / "secret.txt").write_text("outside", "utf-8")
    try:
        content = await make_folder().read(lead + "/".join(names))
    except CodeLabError:
        return
    assert content.text == "inside"
