import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codelab.kit.errors import CodeLabError
from codelab.kit.ids import new_id
from codelab.workspace import files
from codelab.workspace.errors import (
    FileChanged,
    FileMissing,
    FileTooLarge,
    NotText,
    PathRefused,
)
from codelab.workspace.folder import Folder
from codelab.workspace.paths import opened_root
from codelab.workspace.rules import Audience, Rules
from codelab.workspace.sandbox.sandbox import Sandbox
from codelab.workspace.text import decode, digest_of, encode, encoding_of
from tests.workspace.places import CHILD, child, names, run

WRITE_ON_AND_ON = """
async def main():
    print("ready", flush=True)
    for number in range(1_000_000):
        before = await folder.state("file.txt")
        await folder.write("file.txt", "ab"[number % 2] * 200_000, before=before)
asyncio.run(main())
"""
FILL_THE_DISK = """
async def main():
    await folder.write("file.txt", "a" * 900_000, before="")
    before = await folder.state("file.txt")
    try:
        await folder.write("file.txt", "b" * 900_000, before=before)
    except DiskFull as error:
        whole = (root / "file.txt").read_text() == "a" * 900_000
        print(error.message, whole, [path.name for path in root.iterdir()])
asyncio.run(main())
threads.shutdown()
"""


async def test_what_a_killed_server_left_is_cleared_away(folder: Folder, root: Path) -> None:
    hours_ago = int((time.time() - 7200) * 1000)
    (root / "src").mkdir()
    old = f".codelab-{hours_ago:012x}{new_id()[12:]}.tmp"
    recent = f".codelab-{new_id()}.tmp"
    theirs = ".codelab-notes.tmp"
    for name in (old, recent, theirs):
        (root / "src" / name).write_text("half", "utf-8")
    (root / old).write_text("half", "utf-8")
    await folder.write("src/a.txt", "a", before="")
    assert names(root / "src") == sorted([recent, theirs, "a.txt"])
    assert names(root) == sorted([old, "src"])


async def test_reading_gives_text_and_digest(folder: Folder, root: Path) -> None:
    (root / "a.txt").write_bytes("one\r\nдва\n".encode())
    content = await folder.read("./a.txt")
    assert content.path == "a.txt"
    assert content.text == "one\r\nдва\n"
    assert content.size == 12
    assert content.digest == digest_of("one\r\nдва\n".encode())


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0", "binary"),
        (b"valid, then \xff\xfe", "0xff at position 12"),
        (b"\xc3\x28", "not valid UTF-8"),
        (b"\xff\xfea\0b", "not valid UTF-16"),
    ],
)
async def test_what_is_no_text_is_refused(
    folder: Folder, root: Path, data: bytes, problem: str
) -> None:
    (root / "a.txt").write_bytes(data)
    with pytest.raises(NotText, match=problem):
        await folder.read("a.txt")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16-le", "utf-16-be"])
async def test_a_byte_order_mark_stays(folder: Folder, root: Path, encoding: str) -> None:
    (root / "a.txt").write_bytes(encode("one\nдва\n", encoding))
    content = await folder.read("a.txt")
    assert content.text == "one\nдва\n"
    await folder.write("a.txt", content.text + "three\n", before=content.digest)
    assert (root / "a.txt").read_bytes() == encode("one\nдва\nthree\n", encoding)


@given(st.text(), st.sampled_from(["utf-8", "utf-8-sig", "utf-16-le", "utf-16-be"]))
def test_text_survives_its_encoding(text: str, encoding: str) -> None:
    if encoding == "utf-8" and ("\0" in text or text.startswith("\ufeff")):
        return
    data = encode(text, encoding)
    assert encoding_of(data) == encoding
    assert decode(data, "a.txt") == text


async def test_large_files_are_refused_without_reading_them(folder: Folder, root: Path) -> None:
    with (root / "sparse").open("wb") as file:
        # More than fits into the memory of most machines.
        file.truncate(1_000_000_000_000)
    for attempt in (folder.read("sparse"), folder.plan_write("sparse", "x")):
        with pytest.raises(FileTooLarge):
            await attempt
    (root / "fits").write_bytes(b"x" * 10_000_000)
    assert (await folder.read("fits")).size == 10_000_000
    (root / "too-large").write_bytes(b"x" * 10_000_001)
    with pytest.raises(FileTooLarge):
        await folder.read("too-large")


async def test_at_most_a_megabyte_is_written(folder: Folder, root: Path) -> None:
    await folder.write("fits", "x" * 1_000_000, before="")
    for path, content in (("large", "x" * 1_000_001), ("wide", "я" * 500_001)):
        with pytest.raises(FileTooLarge):
            await folder.write(path, content, before="")
        with pytest.raises(FileTooLarge):
            await folder.plan_write(path, content)
        assert not (root / path).exists()


async def test_writing_makes_folders_and_keeps_mode_and_owner(folder: Folder, root: Path) -> None:
    await folder.write("a/b/script.sh", "one", before="")
    script = root / "a" / "b" / "script.sh"
    script.chmod(0o751)
    if os.geteuid() == 0:
        os.chown(script, 65534, 65534)
    plan = await folder.plan_write("a/b/script.sh", "two")
    assert plan.before == digest_of(b"one")
    assert plan.after == digest_of(b"two")
    await folder.write("a/b/script.sh", "two", before=plan.before)
    status = script.stat()
    assert script.read_text("utf-8") == "two"
    assert status.st_mode & 0o7777 == 0o751
    if os.geteuid() == 0:
        assert (status.st_uid, status.st_gid) == (65534, 65534)
    assert names(script.parent) == ["script.sh"]


async def test_a_plan_changes_nothing(folder: Folder, root: Path) -> None:
    plan = await folder.plan_write("new/file.txt", "content\n")
    assert plan.before == ""
    assert "+content" in plan.diff
    assert names(root) == []


async def test_nothing_is_written_over_what_was_not_seen(folder: Folder, root: Path) -> None:
    (root / "a.txt").write_text("theirs", "utf-8")
    for before in ("", digest_of(b"other")):
        with pytest.raises(FileChanged):
            await folder.write("a.txt", "mine", before=before)
        with pytest.raises(FileChanged):
            await folder.delete("a.txt", before=before)
    with pytest.raises(FileChanged):
        await folder.write("b.txt", "mine", before=digest_of(b"gone"))
    assert (root / "a.txt").read_text("utf-8") == "theirs"
    assert names(root) == ["a.txt"]


async def test_of_many_writers_at_once_each_builds_on_the_one_before(
    folder: Folder, root: Path
) -> None:
    (root / "count.txt").write_text("", "utf-8")

    async def append(letter: str) -> None:
        while True:
            content = await folder.read("count.txt")
            try:
                await folder.write("count.txt", content.text + letter, before=content.digest)
                return
            except FileChanged:
                await asyncio.sleep(0)

    letters = "abcdefghijklmnopqrst"
    await asyncio.gather(*(append(letter) for letter in letters))
    assert sorted((root / "count.txt").read_text("utf-8")) == sorted(letters)
    assert names(root) == ["count.txt"]


async def test_an_editor_that_saves_meanwhile_loses_nothing(folder: Folder, root: Path) -> None:
    """Another program replaces the file all the time: its last save is never overwritten."""
    path = root / "a.txt"
    path.write_text("0", "utf-8")
    code = (
        "import os, sys, time\n"
        "for number in range(1, 1500):\n"
        "    open('spare', 'w').write(str(number))\n"
        "    os.rename('spare', 'a.txt')\n"
        "    time.sleep(0.0002)\n"
    )
    editor = await asyncio.create_subprocess_exec(sys.executable, "-c", code, cwd=root)
    ours = refused = 0
    while editor.returncode is None:
        content = await folder.read("a.txt")
        try:
            await folder.write("a.txt", f"{content.text}+", before=content.digest)
            ours += 1
        except FileChanged:
            refused += 1
        await asyncio.sleep(0)
    await editor.wait()
    assert ours
    assert refused
    assert path.read_text("utf-8").rstrip("+") == "1499"


def test_a_save_that_comes_while_a_file_is_deleted_is_not_lost(root: Path) -> None:
    """Another program saves twice in a row: only what was looked at may be gone."""
    code = (
        "import os, time\n"
        "for number in range(400):\n"
        "    for part in (2 * number, 2 * number + 1):\n"
        "        open('spare', 'w').write(str(part))\n"
        "        os.rename('spare', 'a.txt')\n"
        "        time.sleep(0.0001)\n"
        "    time.sleep(0.002)\n"
        "    while any(name.endswith('.tmp') for name in os.listdir()):\n"
        "        pass\n"
        "    if not os.path.exists('a.txt'):\n"
        "        print(part)\n"
    )
    deleted: set[str] = set()
    command = [sys.executable, "-c", code]
    with (
        opened_root(root) as descriptor,
        subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as editor,
    ):
        while editor.poll() is None:
            with suppress(CodeLabError):
                data, *_ = files.read(descriptor, Rules(Audience.HUMAN), "a.txt")
                files.delete(descriptor, Rules(Audience.HUMAN), "a.txt", digest_of(data))
                deleted.add(data.decode())
        assert editor.stdout is not None
        gone = set(editor.stdout.read().split())
    assert gone
    assert gone <= deleted


async def test_deleting(folder: Folder, root: Path) -> None:
    (root / "a.txt").write_text("one\ntwo\n", "utf-8")
    plan = await folder.plan_delete("a.txt")
    assert plan.after == ""
    assert "-one\n-two" in plan.diff
    await folder.delete("a.txt", before=plan.before)
    assert not (root / "a.txt").exists()
    for attempt in (folder.plan_delete("a.txt"), folder.delete("a.txt", before=plan.before)):
        with pytest.raises(FileMissing):
            await attempt


async def test_a_link_is_not_written_through(folder: Folder, root: Path) -> None:
    (root / "real.txt").write_text("x", "utf-8")
    (root / "link.txt").symlink_to("real.txt")
    with pytest.raises(PathRefused, match="symbolic link"):
        await folder.plan_write("link.txt", "y")
    assert (root / "link.txt").is_symlink()


def test_killed_while_writing_a_file_is_wholly_old_or_wholly_new(root: Path) -> None:
    old, new = "b" * 200_000, "a" * 200_000
    found = set()
    (root / "file.txt").write_text(old, "utf-8")
    for number in range(20):
        with child(WRITE_ON_AND_ON, root) as writer:
            assert writer.stdout
            writer.stdout.readline()
            time.sleep(0.03 + 0.001 * number)
            writer.send_signal(signal.SIGKILL)
        found.add((root / "file.txt").read_text("utf-8"))
    assert found == {old, new}


async def test_a_full_disk_leaves_the_original_whole(boxed: Sandbox, root: Path) -> None:
    """A real process writes onto a disk of one and a half megabytes."""
    disk = ("--size", "1500000", "--tmpfs", root)
    done = run(
        *("bwrap", "--unshare-all", "--ro-bind", "/", "/", "--dev", "/dev", *disk, "--"),
        *(sys.executable, "-c", CHILD + FILL_THE_DISK, root),
    )
    assert "The file is as it was. True ['file.txt']" in done.stdout, done.stderr


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=200))
async def test_what_is_written_is_read_again(folder: Folder, root: Path, text: str) -> None:
    if "\0" in text or text.startswith("\ufeff"):
        return
    before = await folder.state("a.txt")
    await folder.write("a.txt", text, before=before)
    assert (await folder.read("a.txt")).text == text
