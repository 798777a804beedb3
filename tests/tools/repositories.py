"""Repositories on which the git tools are tried."""

import re
from pathlib import Path

import msgspec

from tests.workspace.places import git, run

LINES = [f"line {number}" for number in range(1, 31)]


def arguments(**values: object) -> str:
    """What a model would write."""
    return msgspec.json.encode(values).decode()


def put(root: Path, **contents: str | None) -> None:
    """Write files `name` as `name.txt`; None deletes one."""
    for name, text in contents.items():
        place = root / f"{name}.txt"
        if text is None:
            place.unlink()
        else:
            place.write_text(text, "utf-8")


def commit(root: Path, message: str, **contents: str | None) -> str:
    """Commit files as the developer would and return the commit."""
    put(root, **contents)
    git(root, "add", "--all")
    git(root, "commit", "-qm", message, "--allow-empty")
    return asked(root, "rev-parse", "HEAD")


def asked(root: Path, *words: str) -> str:
    """What git says outside any box."""
    return run("git", *words, cwd=root).stdout.strip()


def begun(root: Path) -> Path:
    """A repository with one commit of a few files."""
    git(root, "init", "-q", "-b", "main")
    commit(root, "first", a="one\n", b="one\n", long=text())
    return root


def text(**changed: str) -> str:
    """Thirty lines, some of them changed: `line_3="x"`."""
    lines = [changed.get(line.replace(" ", "_"), line) for line in LINES]
    return "\n".join(lines) + "\n"


def diverged(root: Path) -> Path:
    """The same with a branch `feature` that contradicts `main` in each way that git knows."""
    begun(root)
    commit(root, "to delete", gone_here="x\n", gone_there="x\n")
    git(root, "switch", "-qc", "feature")
    theirs = text(line_3="theirs 3", line_27="theirs 27")
    commit(
        root,
        "theirs",
        long=theirs,
        gone_here="y\n",
        gone_there=None,
        added="theirs\n",
        plain="new\n",
    )
    git(root, "switch", "-q", "main")
    ours = text(line_3="ours 3", line_27="ours 27")
    commit(root, "ours", long=ours, gone_here=None, gone_there="z\n", added="ours\n")
    return root


FILE = re.compile(r"file: ([a-z ]+): (.+)")
SPAN = re.compile(r"lines: (\d+)-(\d+)")


def read_conflicts(output: str) -> dict[str, tuple[str, list[tuple[int, int, list[str]]]]]:
    """Read the layout of docs/tools.md as a program would: kind and conflicts by file."""
    found: dict[str, tuple[str, list[tuple[int, int, list[str]]]]] = {}
    name = ""
    for line in output.splitlines():
        if file := FILE.fullmatch(line):
            name = file[2]
            found[name] = (file[1], [])
        elif span := SPAN.fullmatch(line):
            found[name][1].append((int(span[1]), int(span[2]), []))
        elif line.startswith("  "):
            found[name][1][-1][2].append(line[2:])
    return found
