"""Searching for people, and replacing what was found, over HTTP."""

import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from codelab.kit.events import Event
from codelab.workspace.events import FileWritten
from codelab.workspace.text import digest_of
from tests.support.http import Client
from tests.workspace.places import child, wait_until


def write(root: Path, **files: bytes) -> None:
    for name, data in files.items():
        (root / name.replace("_", ".")).write_bytes(data)


async def ask(client: Client, path: str, **body: Any) -> Any:
    answer = await client.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def search(client: Client, pattern: str, **options: Any) -> list[tuple[Any, ...]]:
    found = await ask(client, "searches", pattern=pattern, **options)
    return [
        (file["path"], one["line"], one["column"], one["text"][one["start"] : one["end"]])
        for file in found["files"]
        for one in file["occurrences"]
    ]


async def test_every_match_is_shown_with_its_columns(client: Client, root: Path) -> None:
    write(
        root,
        a_py=b"foo bar foo\r\nxfoo Foo\n",
        b_txt="ä foo é foo\n".encode(),
        c_md=b"\xef\xbb\xbffoo\n",
    )
    (root / "node_modules").mkdir()
    (root / "node_modules" / "x.py").write_text("foo", "utf-8")
    assert await search(client, "foo", match_case=True, whole_word=True) == [
        ("a.py", 1, 1, "foo"),
        ("a.py", 1, 9, "foo"),
        ("b.txt", 1, 3, "foo"),
        ("b.txt", 1, 9, "foo"),
        ("c.md", 1, 1, "foo"),
    ]
    assert len(await search(client, "FOO", include=["*.py"])) == 4
    assert len(await search(client, "foo", exclude=["*.py", "!*.md"])) == 2
    assert await search(client, "f.o$", is_regex=True, include=["*.py"]) == [
        ("a.py", 1, 9, "foo"),
        ("a.py", 2, 6, "Foo"),
    ]
    assert await search(client, "f.o") == []
    for body in ({"pattern": "("}, {"pattern": r"(a)\1"}):
        bad = await client.post("searches", json={"is_regex": True, **body})
        assert (bad.status_code, bad.json()["code"]) == (422, "pattern_invalid")


async def test_long_lines_and_many_matches_are_bounded(client: Client, root: Path) -> None:
    write(root, a_js=b"x" * 50_000 + b"needle" + b"y" * 50_000, many_txt=b"needle\n" * 5000)
    found = await ask(client, "searches", pattern="needle")
    one = found["files"][0]["occurrences"][0]
    assert (one["column"], one["text"][one["start"] : one["end"]]) == (50_001, "needle")
    assert len(one["text"]) <= 400
    assert found["truncated"] and found["count"] == 5001
    assert sum(len(file["occurrences"]) for file in found["files"]) <= 2000


async def test_a_huge_line_costs_no_more_than_its_length(client: Client, root: Path) -> None:
    """A match larger than the output, and many matches far along a line: once, minutes each."""
    far = "é".encode() * 4_500_000
    write(root, a_txt=b"\xef\xbb\xbfneedle\n", b_js=far + b"needle" * 500, c_js=b"x" * 4_200_000)
    began = time.process_time()
    found = await ask(client, "searches", pattern="x+", is_regex=True)
    assert (found["files"], found["truncated"]) == ([], True)
    columns = range(4_500_001, 4_503_001, 6)
    assert await search(client, "needle") == [
        ("a.txt", 1, 1, "needle"),
        *(("b.js", 1, column, "needle") for column in columns),
    ]
    assert time.process_time() - began < 5


async def test_a_replacement_is_previewed_then_made(
    client: Client, root: Path, published: list[Event]
) -> None:
    before = b"\xef\xbb\xbfdef one(a):\r\n  one(b) # $1 one(c)\r\n"
    write(root, a_py=before, b_py=b"one(x)\n", c_py=b"one(y)\n", bin_dat=b"one(z)\0")
    query = {"pattern": r"one\((\w)\)", "is_regex": True, "match_case": True}
    body = {"search": query, "replacement": "$1st($&, $$)"}
    preview = await ask(client, "replacements/preview", **body)
    assert {file["path"]: file["count"] for file in preview["files"]} == {
        "a.py": 3,
        "b.py": 1,
        "c.py": 1,
    }
    shown = [one["replacement"] for one in preview["files"][0]["occurrences"]]
    assert shown == ["ast(one(a), $)", "bst(one(b), $)", "cst(one(c), $)"]
    assert (root / "a.py").read_bytes() == before

    chosen = [{"path": file["path"], "hash": file["hash"]} for file in preview["files"]]
    second = preview["files"][0]["occurrences"][1]["offset"]
    chosen[0]["offsets"] = [second]
    (root / "b.py").write_bytes(b"one(x) # changed meanwhile\n")
    chosen.append({"path": "../outside.txt", "hash": "0" * 64})
    done = await ask(client, "replacements", **body, files=chosen)
    after = before.replace(b"one(b)", b"bst(one(b), $)")
    assert (root / "a.py").read_bytes() == after
    assert (root / "b.py").read_bytes() == b"one(x) # changed meanwhile\n"
    assert (root / "c.py").read_bytes() == b"yst(one(y), $)\n"
    assert [file["path"] for file in done["files"]] == ["a.py", "c.py"]
    assert done["files"][0]["hash"] == digest_of(after)
    assert [(file["path"], file["code"]) for file in done["skipped"]] == [
        ("b.py", "file_changed"),
        ("../outside.txt", "path_refused"),
    ]
    written = [event.path for event in published if isinstance(event, FileWritten)]
    assert written == ["a.py", "c.py"]


async def test_a_text_is_replaced_as_it_is_written(client: Client, root: Path) -> None:
    write(root, a_txt=b"cost: $1 (x)\n")
    query = {"pattern": "$1 (x)"}
    preview = await ask(client, "replacements/preview", search=query, replacement="$2\n${0}")
    file = preview["files"][0]
    chosen = [{"path": "a.txt", "hash": file["hash"]}]
    await ask(client, "replacements", search=query, replacement="$2\n${0}", files=chosen)
    assert (root / "a.txt").read_bytes() == b"cost: $2\n${0}\n"


@pytest.mark.parametrize("data", [b"\xff\xfef\0o\0o\0", b"foo \xe9t\xe9\n"])
async def test_what_is_no_utf8_is_found_but_never_changed(
    client: Client, root: Path, data: bytes
) -> None:
    write(root, a_txt=data)
    found = await ask(client, "replacements/preview", search={"pattern": "foo"}, replacement="x")
    assert [file["hash"] for file in found["files"]] == [""]
    chosen = [{"path": "a.txt", "hash": digest_of(data)}]
    done = await ask(
        client, "replacements", search={"pattern": "foo"}, replacement="x", files=chosen
    )
    assert done["skipped"] and (root / "a.txt").read_bytes() == data


async def test_files_are_found_by_their_letters(client: Client, root: Path) -> None:
    write(root, alpha_py=b"", beta_py=b"", secret_log=b"", _gitignore=b"*.log\n")
    (root / "a\nb").write_text("x", "utf-8")
    found = (await client.get("files", params={"query": "al"})).json()
    assert found == {"paths": ["alpha.py"], "truncated": False}
    everything = (await client.get("files")).json()["paths"]
    assert everything == [".gitignore", "alpha.py", "beta.py"]
    await client.put("files/alps.md", json={"content": ""})
    assert (await client.get("files", params={"query": "alps"})).json()["paths"] == ["alps.md"]


REPLACING = """
from codelab.auth.api import Principal
from codelab.workspace.finding import finder, occurrences
from codelab.workspace.text import digest_of

unboxed = Sandbox(WorkspaceSettings(data_dir=root / "none", sandbox="none"))
human = Folder(root, Rules(Audience.HUMAN), unboxed, "none", threads)

async def main():
    words = ["one", "two"]
    while True:
        query = occurrences.SearchQuery(pattern=words[0], match_case=True)
        for number in range(20):
            path = f"f{number}.txt"
            data = (root / path).read_bytes()
            one = finder.Chosen(path=path, hash=digest_of(data))
            inside = (await finder._places(human, query, words[1], [one])).get(path, ())
            if inside:
                await human.work(finder._replacing(one, path, inside))
            print("x", flush=True)
        words.reverse()

asyncio.run(main())
"""


def test_killed_in_a_replacement_each_file_is_old_or_new(root: Path) -> None:
    old, new = b"one\n" * 4000, b"two\n" * 4000
    for number in range(20):
        (root / f"f{number}.txt").write_bytes(old)
    process: subprocess.Popen[bytes] = child(REPLACING, root)
    assert process.stdout is not None
    for _ in range(8):
        assert process.stdout.readline()
    process.kill()
    process.wait()
    process.stdout.close()
    assert wait_until(lambda: process.poll() is not None) < 10
    contents = [(root / f"f{number}.txt").read_bytes() for number in range(20)]
    assert set(contents) <= {old, new}
