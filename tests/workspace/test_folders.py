"""Folders over HTTP: looked into page by page, made, moved, deleted, whatever is in the way."""

import os
import threading
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from codelab.kit.events import Event
from codelab.workspace.children import natural
from codelab.workspace.events import FileMoved, FolderCreated, FolderDeleted
from codelab.workspace.renaming import EXCHANGE, renamed
from tests.support.http import Client
from tests.workspace.http import served
from tests.workspace.places import names

HOSTILE = ("line\nbreak.txt", "\u202egnp.exe", "100%2e", "back\\slash")


def make(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("x", "utf-8")


async def look(client: Client, **params: Any) -> dict[str, Any]:
    answer = await client.get("children", params=params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_folder_is_shown_as_people_sort(client: Client, root: Path) -> None:
    make(root, "file10.txt", "File2.txt", "src/a.py", ".github/ci.yml", ".git/config", "build/out")
    make(root, "secret.log", f".codelab-{'0' * 32}.tmp")
    (root / ".gitignore").write_text("*.log\n", "utf-8")
    (root / "to-src").symlink_to("src")
    (root / "away").symlink_to("../outside.txt")
    found = await look(client)
    rows = [(entry["name"], entry["kind"]) for entry in found["entries"]]
    folders = [(name, "folder") for name in (".github", "build", "src", "to-src")]
    assert rows == [
        *folders,
        (".gitignore", "file"),
        ("away", "other"),
        ("File2.txt", "file"),
        ("file10.txt", "file"),
        ("secret.log", "file"),
    ]
    by_name = {entry["name"]: entry for entry in found["entries"]}
    assert [name for name, entry in by_name.items() if entry["is_ignored"]] == [
        "build",
        "secret.log",
    ]
    assert [name for name, entry in by_name.items() if entry["is_link"]] == ["to-src", "away"]
    assert by_name["File2.txt"]["size"] == 1
    assert not found["truncated"] and found["cursor"] is None
    inside = await look(client, path="build")
    assert inside["entries"][0]["path"] == "build/out"
    assert inside["entries"][0]["is_ignored"]
    assert (await look(client, path="to-src"))["entries"][0]["path"] == "to-src/a.py"


async def test_hostile_names_are_shown_but_cannot_be_asked_for(client: Client, root: Path) -> None:
    for name in HOSTILE:
        (root / name).write_text("x", "utf-8")
    (root / os.fsdecode(b"\xff.txt")).write_text("x", "utf-8")
    entries = (await look(client))["entries"]
    assert {entry["name"] for entry in entries} == {*HOSTILE, "\ufffd.txt"}
    assert not any(entry["can_open"] for entry in entries if entry["name"] != "\ufffd.txt")


async def test_pages_follow_each_other_while_the_folder_changes(client: Client, root: Path) -> None:
    make(root, *(f"f{number}" for number in range(25)), "folder/x")
    seen: list[str] = []
    cursor = None
    while True:
        page = await look(client, limit=10, **({"after": cursor} if cursor else {}))
        seen += [entry["name"] for entry in page["entries"]]
        cursor = page["cursor"]
        assert page["truncated"] == (cursor is not None)
        if cursor is None:
            break
        # The last one shown vanishes; the next page begins behind its place all the same.
        (root / seen[-1]).unlink()
    assert seen == ["folder", *(f"f{number}" for number in range(25))]
    assert (await client.get("children", params={"after": "?"})).status_code == 422
    assert (await client.get("children", params={"path": ".git"})).status_code == 403
    assert (await client.get("children", params={"path": "f3"})).status_code == 404


@pytest.mark.parametrize("count", [10_000, pytest.param(200_000, marks=pytest.mark.long)])
async def test_a_huge_folder_is_answered_a_page_at_a_time(
    client: Client, root: Path, count: int
) -> None:
    many = root / "many"
    many.mkdir()
    # Links are made several times faster than files; but one file has no more than 65,000.
    make(root, "many/0", "many/1", "many/2", "many/3")
    folder = os.open(many, os.O_RDONLY)
    for number in range(4, count):
        os.link(str(number % 4), str(number), src_dir_fd=folder, dst_dir_fd=folder)
    os.close(folder)
    page = await look(client, path="many", limit=3)
    assert [entry["name"] for entry in page["entries"]] == ["0", "1", "2"]
    page = await look(client, path="many", limit=3, after=page["cursor"])
    assert [entry["name"] for entry in page["entries"]] == ["3", "4", "5"]
    assert page["truncated"]


def test_names_are_sorted_as_people_count() -> None:
    ordered = ["a", "a1", "a2b", "a10", "A11", "b", "b01x", "b1y", "ä"]
    assert sorted(reversed(ordered), key=natural) == ordered
    for one, other in pairwise(ordered):
        assert natural(one) < natural(other)


async def test_making_a_folder(client: Client, root: Path, published: list[Event]) -> None:
    assert (await client.post("folders/a/b c")).json() == {"path": "a/b c"}
    assert (root / "a" / "b c").is_dir()
    taken = await client.post("folders/a")
    assert (taken.status_code, taken.json()["code"]) == (409, "name_taken")
    make(root, "file")
    assert (await client.post("folders/file")).status_code == 409
    assert (await client.post("folders/file/below")).status_code in (403, 404, 409)
    (root / "out").symlink_to("..")
    for path in ("..%2fx", "%2e%2e/x", ".git/x", "out/x", "a%00", "/etc/x"):
        refused = await client.post(f"{client.base_url}folders/{path}")
        assert refused.status_code in (400, 403, 404), path
    assert not (root.parent / "x").exists()
    assert [event.path for event in published if isinstance(event, FolderCreated)] == ["a/b c"]


async def test_moving_never_replaces(client: Client, root: Path, published: list[Event]) -> None:
    make(root, "a.txt", "b.txt", "src/one.py", "lib/x")
    moved = await client.post("moves", json={"from": "a.txt", "to": "new/place/c.txt"})
    assert moved.json() == {"path": "new/place/c.txt", "is_folder": False}
    assert (await client.post("moves", json={"from": "src", "to": "lib/src"})).status_code == 201
    assert names(root / "lib" / "src") == ["one.py"]
    for source, target, status in (
        ("b.txt", "new/place/c.txt", 409),
        ("b.txt", "lib", 409),
        ("lib", "b.txt", 409),
        ("lib", "lib", 403),
        ("lib", "lib/src/deeper", 403),
        ("nothing", "n", 404),
        ("b.txt", ".git/hooks/x", 403),
        ("b.txt", "../b.txt", 403),
        (".", "x", 403),
        ("b.txt", "line\nbreak", 403),
    ):
        refused = await client.post("moves", json={"from": source, "to": target})
        assert refused.status_code == status, (source, target, refused.text)
    # Through a link, too, a folder cannot come to lie in itself.
    (root / "way").symlink_to("lib/src")
    refused = await client.post("moves", json={"from": "lib", "to": "way/lib"})
    assert refused.json()["code"] == "path_refused"
    assert (root / "b.txt").read_text("utf-8") == "x"
    # A link is moved itself, not what it leads to.
    await client.post("moves", json={"from": "way", "to": "path"})
    assert (root / "path").is_symlink() and (root / "lib" / "src").is_dir()
    told = [event for event in published if isinstance(event, FileMoved)]
    assert [(event.old_path, event.path, event.is_folder) for event in told] == [
        ("a.txt", "new/place/c.txt", False),
        ("src", "lib/src", True),
        ("way", "path", False),
    ]


async def test_no_move_leads_outside_while_links_are_swapped(
    sqlite_url: str, root: Path, data_dir: Path
) -> None:
    outside = root.parent / "project-sibling"
    make(root, "inside/keep")
    over = threading.Event()

    (root / "aside").symlink_to("../project-sibling")
    folder = os.open(root, os.O_RDONLY)

    def swap() -> None:
        while not over.is_set():
            renamed(folder, "inside", "aside", EXCHANGE)

    swapping = threading.Thread(target=swap)
    async with served(sqlite_url, root, data_dir, [], 1000) as client:
        swapping.start()
        try:
            for number in range(30):
                make(root, f"f{number}")
                to = f"inside/f{number}"
                answer = await client.post("moves", json={"from": f"f{number}", "to": to})
                assert answer.status_code in (201, 403, 404, 409)
                gone = await client.delete(f"folders/inside/d{number}")
                assert gone.status_code in (403, 404, 409)
        finally:
            over.set()
            swapping.join()
            os.close(folder)
    assert names(outside) == ["file.txt"]


async def test_deleting_a_folder(client: Client, root: Path, published: list[Event]) -> None:
    make(root, "full/a/b.txt", "full/.git/config", "keep.txt")
    (root / "full" / "way").symlink_to("../../project-sibling")
    (root / "empty").mkdir()
    summary = (await client.get("folders/full")).json()
    assert summary == {
        "path": "full",
        "files": 3,
        "folders": 2,
        "size": 2 + len("../../project-sibling"),
        "repositories": 1,
        "is_complete": True,
    }
    assert (await client.delete("folders/empty")).status_code == 204
    refused = await client.delete("folders/full")
    assert (refused.status_code, refused.json()["code"]) == (409, "folder_not_empty")
    assert (await client.delete("folders/full?recursive=true")).status_code == 204
    assert names(root) == ["keep.txt"]
    assert names(root.parent / "project-sibling") == ["file.txt"]
    (root / "way").symlink_to("../project-sibling")
    assert (await client.delete("folders/way?recursive=true")).status_code == 204
    assert names(root.parent / "project-sibling") == ["file.txt"]
    for path, status in (
        ("full?recursive=true", 404),
        ("keep.txt?recursive=true", 403),
        ("..?recursive=true", 403),
        (".git?recursive=true", 403),
    ):
        assert (await client.delete(f"folders/{path}")).status_code == status, path
    told = [(event.path, event.files) for event in published if isinstance(event, FolderDeleted)]
    assert told == [("empty", 0), ("full", 3), ("way", 1)]


async def test_what_cannot_be_deleted_stays_where_it_was(client: Client, root: Path) -> None:
    deep = root
    for _ in range(210):
        deep = deep / "d"
    deep.mkdir(parents=True)
    refused = await client.delete("folders/d?recursive=true")
    assert (refused.status_code, refused.json()["code"]) == (413, "file_too_large")
    assert deep.is_dir()


PIXEL = b"\x89PNG\r\n\x1a\n" + bytes(20)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (PIXEL, "image/png"),
        (b"\xff\xd8\xff\xe0abc", "image/jpeg"),
        (b"GIF89a..", "image/gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"\0\0\0\x20ftypavif\0\0\0\0", "image/avif"),
        (b"\0\0\x01\0\x01\0", "image/x-icon"),
        (b"BM\0\0", "image/bmp"),
        (
            b"<?xml version='1.0'?>\n<!-- a --><svg xmlns='x'><script>1</script></svg>",
            "image/svg+xml",
        ),
        (b"<html><svg></svg>", ""),
        # Ways to read it as comments double with each.
        (b"<!---->" * 100, ""),
        (b"just text", ""),
        (b"", ""),
    ],
)
async def test_pictures_are_told_by_their_bytes(
    client: Client, root: Path, data: bytes, kind: str
) -> None:
    (root / "odd.html").write_bytes(data)
    answer = await client.get("raw/odd.html")
    if not kind:
        assert (answer.status_code, answer.json()["code"]) == (415, "no_image")
        return
    assert (answer.status_code, answer.content) == (200, data)
    assert answer.headers["content-type"] == kind
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
    is_svg = kind == "image/svg+xml"
    assert answer.headers.get("content-disposition") == ("attachment" if is_svg else None)


async def test_no_picture_from_elsewhere_or_of_any_size(client: Client, root: Path) -> None:
    (root / "large.png").write_bytes(PIXEL + bytes(10_000_000))
    assert (await client.get("raw/large.png")).status_code == 413
    (root.parent / "outside.png").write_bytes(PIXEL)
    (root / "link.png").symlink_to("../outside.png")
    for path in ("link.png", "..%2foutside.png", ".git/x.png"):
        assert (await client.get(f"{client.base_url}raw/{path}")).status_code == 403
