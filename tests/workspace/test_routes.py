"""The explorer's operations over HTTP, with the real service behind them."""

from pathlib import Path

import pytest

from codelab.kit.events import Event
from codelab.workspace.events import FileDeleted, FileWritten, WorkspaceCreated
from codelab.workspace.text import digest_of
from tests.support.http import Client
from tests.workspace.http import ADA, LIMIT


async def test_saving_reading_and_deleting(
    client: Client, root: Path, published: list[Event]
) -> None:
    created = await client.put("files/src/main.py", json={"content": "x = 1\n"})
    assert created.status_code == 201
    first = digest_of(b"x = 1\n")
    assert created.json() == {"path": "src/main.py", "hash": first, "created": True}
    assert created.headers["etag"] == f'"{first}"'

    read = await client.get("files/src/main.py")
    assert read.status_code == 200
    assert read.headers["etag"] == f'"{first}"'
    assert read.json() == {
        "path": "src/main.py",
        "content": "x = 1\n",
        "hash": first,
        "size": 6,
        "encoding": "utf-8",
        "read_only": False,
    }

    saved = await client.put(
        "files/src/main.py", json={"content": "x = 2\n"}, headers={"If-Match": f'"{first}"'}
    )
    assert saved.status_code == 200
    late = await client.put(
        "files/src/main.py", json={"content": "x = 3\n"}, headers={"If-Match": f'"{first}"'}
    )
    assert (late.status_code, late.json()["code"]) == (412, "file_changed")
    assert late.headers["etag"] == saved.headers["etag"]
    taken = await client.put(
        "files/src/main.py", json={"content": "x = 3\n"}, headers={"If-None-Match": "*"}
    )
    assert taken.status_code == 412
    assert (root / "src" / "main.py").read_text("utf-8") == "x = 2\n"
    careless = await client.put("files/src/main.py", json={"content": "x = 4\n"})
    assert careless.status_code == 200

    late = await client.delete("files/src/main.py", headers={"If-Match": f'"{first}"'})
    assert late.status_code == 412
    assert (await client.delete("files/src/main.py")).status_code == 204
    assert (await client.delete("files/src/main.py")).status_code == 404
    assert not (root / "src" / "main.py").exists()

    writes = [event.digest for event in published if isinstance(event, FileWritten)]
    assert writes == [first, digest_of(b"x = 2\n"), digest_of(b"x = 4\n")]
    assert [event.path for event in published if isinstance(event, FileDeleted)] == ["src/main.py"]
    assert {event.user_id for event in published if isinstance(event, FileWritten)} == {ADA.user_id}


@pytest.mark.parametrize(
    "path",
    [
        "files/%2e%2e/outside.txt",
        "files/..%2foutside.txt",
        "files/%252e%252e%252foutside.txt",
        "files//etc/passwd",
        "files/%2fetc%2fpasswd",
        "files/a%00b",
        "files/..%5coutside.txt",
        "files/.git/config",
        "files/out/outside.txt",
        "tree?path=../",
        "tree?path=/etc",
        "search?pattern=x&path=../outside.txt",
    ],
)
async def test_hostile_paths_are_refused(client: Client, root: Path, path: str) -> None:
    (root / "out").symlink_to("..")
    url = f"{client.base_url}{path}"
    answer = await client.get(url)
    assert answer.status_code in (400, 403, 404), answer.text
    assert "outside" not in answer.text.replace("leads outside", "").replace("outside.txt", "")
    if path.startswith("files"):
        written = await client.put(url, json={"content": "taken over"})
        assert written.status_code in (400, 403, 404)
    assert (root.parent / "outside.txt").read_text("utf-8") == "outside"


async def test_the_tree(client: Client, root: Path) -> None:
    (root / "src").mkdir()
    (root / "src" / "a.py").write_text("needle\n", "utf-8")
    (root / ".env").write_text("needle\n", "utf-8")
    tree = (await client.get("tree")).json()
    assert tree == {
        "path": "",
        "entries": [
            {"path": ".env", "is_folder": False, "size": 7},
            {"path": "src", "is_folder": True, "size": 0},
        ],
        "truncated": False,
    }
    deep = (await client.get("tree", params={"recursive": "true", "path": "src"})).json()
    assert [entry["path"] for entry in deep["entries"]] == ["src/a.py"]


async def test_what_is_too_large_or_no_text(client: Client, root: Path) -> None:
    full = await client.put("files/large.txt", json={"content": "\n" * 10_000_000})
    assert full.status_code == 201
    large = await client.put("files/large.txt", json={"content": "x" * 10_000_001})
    assert (large.status_code, large.json()["code"]) == (413, "file_too_large")
    huge = await client.put("files/large.txt", json={"content": "x" * 26_000_000})
    assert huge.status_code == 413
    (root / "image.png").write_bytes(b"\x89PNG\0\0")
    (root / "old.txt").write_bytes("Größe".encode("latin-1"))
    for name, why in (("image.png", "binary"), ("old.txt", "not valid UTF-8")):
        refused = await client.get(f"files/{name}")
        assert (refused.status_code, refused.json()["code"]) == (415, "not_text")
        assert why in refused.json()["detail"]
    (root / "big.log").write_bytes(b"x" * 10_000_001)
    assert (await client.get("files/big.log")).status_code == 413
    unknown = await client.put("files/a.txt", json={"content": "x", "mode": "w"})
    assert unknown.status_code == 400


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16-le", "utf-16-be"])
async def test_saving_keeps_what_the_editor_does_not_show(
    client: Client, root: Path, encoding: str
) -> None:
    mark = "\ufeff" if "16" in encoding else ""
    script = root / "run.sh"
    script.write_bytes(f"{mark}a\r\nb".encode(encoding))
    script.chmod(0o750)
    shown = (await client.get("files/run.sh")).json()
    assert (shown["content"], shown["encoding"]) == ("a\r\nb", encoding)
    tag = {"If-Match": f'"{shown["hash"]}"'}
    saved = await client.put("files/run.sh", json={"content": "ü\r\n"}, headers=tag)
    assert saved.json()["hash"] == digest_of(script.read_bytes())
    assert script.read_bytes() == f"{mark}ü\r\n".encode(encoding)
    assert script.stat().st_mode & 0o777 == 0o750


async def test_a_write_protected_file_is_shown_and_not_saved(client: Client, root: Path) -> None:
    (root / "fixed.txt").write_text("as it is", "utf-8")
    assert (await client.get("files/fixed.txt")).json()["read_only"] is False
    (root / "fixed.txt").chmod(0o444)
    assert (await client.get("files/fixed.txt")).json()["read_only"] is True
    refused = await client.put("files/fixed.txt", json={"content": "changed"})
    assert (refused.status_code, refused.json()["code"]) == (403, "file_read_only")
    assert (root / "fixed.txt").read_text("utf-8") == "as it is"


async def test_the_problems_of_a_text_that_is_not_saved(client: Client) -> None:
    text = {"path": "src/a.py", "content": "x = (\n"}
    checked = await client.post("problems", json=text)
    assert (checked.status_code, checked.json()["language"]) == (200, "Python")
    (problem,) = checked.json()["problems"]
    assert problem == {
        "line": 1,
        "column": 5,
        "message": "'(' was never closed",
        "severity": "error",
        "source": "Python",
    }
    assert (await client.get("tree")).json()["entries"] == []
    huge = await client.post("problems", json=text | {"content": "x" * 1_000_001})
    assert huge.status_code == 400
    elsewhere = str(client.base_url).replace(str(client.base_url).split("/")[-2], "0" * 32)
    assert (await client.post(f"{elsewhere}problems", json=text)).status_code == 404
    answers = [(await client.post("problems", json=text)).status_code for _ in range(121)]
    assert answers[-1] == 429


async def test_registering_over_http(client: Client, published: list[Event]) -> None:
    workspaces = str(client.base_url).rsplit("/", 2)[0]
    refused = await client.post(workspaces, json={"path": "/etc"})
    assert (refused.status_code, refused.json()["code"]) == (422, "workspace_refused")
    listed = (await client.get(workspaces)).json()
    assert [entry["owner_id"] for entry in listed] == [None]
    one = f"{workspaces}/{listed[0]['id']}"
    assert (await client.get(one)).json() == listed[0]
    assert (await client.delete(one)).status_code == 403
    assert (await client.get(f"{workspaces}/{'0' * 32}")).status_code == 404
    assert not [event for event in published if isinstance(event, WorkspaceCreated)]


async def test_the_hours_file_operations_are_counted_for_each_user(client: Client) -> None:
    for _ in range(LIMIT):
        assert (await client.get("tree")).status_code == 200
    for attempt in (client.get("tree"), client.put("files/a.txt", json={"content": "x"})):
        refused = await attempt
        assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
        assert refused.json()["retry"] > 0
    assert (await client.get("tree", headers={"x-user": "eve"})).status_code == 200
