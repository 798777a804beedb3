"""`codelab index eval` on real trees."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from codelab.cli.index.evaluating import QuestionsUnusable, read_questions, tree_of
from tests.cli.installed import Installation

CART = "def add(prices):\n    # Add all prices up.\n    return sum(prices)\n"
FILES = {"src/cart.py": CART, "src/stock.py": "def take():\n    pass\n", "src/main.py": "x = 1\n"}
IDENTITY = ("-c", "user.name=Test", "-c", "user.email=test@example.org")


def question(repository: str, number: int, text: str, *relevant: str) -> str:
    known = {"id": f"{repository}-{number}", "repo": repository, "query": text, "named": False}
    return json.dumps(known | {"relevant": relevant}) + "\n"


def planted(folder: Path) -> None:
    for path, text in FILES.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def git(folder: Path, *words: str) -> None:
    subprocess.run(("git", *words), cwd=folder, check=True)


def commit(folder: Path, subject: str) -> None:
    git(folder, "add", ".")
    git(folder, *IDENTITY, "commit", "-q", "-m", subject)


def test_answers_are_judged_by_repository_and_written_down(tmp_path: Path) -> None:
    trees, qrels, run = tmp_path / "trees", tmp_path / "qrels", tmp_path / "run.jsonl"
    planted(trees / "ann__shop")
    planted(trees / "till")
    (trees / "till" / "src" / "main.py").unlink()
    # Only the past of the second one knows what its main file is about.
    git(trees / "till", "init", "-q")
    commit(trees / "till", "First")
    planted(trees / "till")
    commit(trees / "till", "Greet whoever comes in")
    qrels.mkdir()
    (qrels / "a.jsonl").write_text(
        question("ann/shop", 1, "where are all prices added up?", "src/cart.py")
        + question("ann/shop", 2, "add prices", "src/lost.py")
    )
    (qrels / "b.jsonl").write_text(
        question("ben/till", 1, "greet whoever", "src/main.py")
        + question("ben/lost", 1, "anything", "a.py")
    )
    words = ("index", "eval", str(qrels), "--trees", str(trees))
    done = Installation(tmp_path).run(*words, "--run", str(run))
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines() == [
        "ann/shop: 3 files, 2 questions",
        "ben/till: 3 files, 1 questions",
        "There is no tree of ben/lost: 1 questions are left out.",
    ]
    rows = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines()[1:]}
    ranked = {one["id"]: one["ranked"] for one in map(json.loads, run.read_text().splitlines())}
    assert ranked["ann/shop-1"][0] == "src/cart.py"
    assert ranked["ben/till-1"][0] == "src/main.py"
    assert rows["ann/shop"][:5] == ["2", "0.5000", "0.5000", "0.5000", "0.5000"]
    assert rows["ben/till"][:5] == ["1", "1.0000", "1.0000", "1.0000", "1.0000"]
    assert rows["MACRO"][:5] == ["3", "0.7500", "0.7500", "0.7500", "0.7500"]
    assert all(float(time) > 0 for time in rows["MACRO"][-2:])


def test_what_cannot_be_judged_is_said_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text(question("ann/shop", 1, "anything", "a.py"))
    done = Installation(tmp_path).run(
        "index", "eval", str(file), "--trees", str(tmp_path), "--lexical"
    )
    assert done.returncode == 1 and "There is no tree in" in done.stderr
    file.write_text('\n{"id": "1"}\n')
    with pytest.raises(QuestionsUnusable, match=r"a\.jsonl, line 2"):
        read_questions(tmp_path)
    file.write_text("")
    with pytest.raises(QuestionsUnusable, match="no question"):
        read_questions(file)


@pytest.mark.parametrize("name", ["ann/shop", "ann__shop", "ann+shop", "shop"])
def test_trees_are_found_by_their_usual_names(tmp_path: Path, name: str) -> None:
    assert tree_of("ann/shop", tmp_path) is None
    (tmp_path / name).mkdir(parents=True)
    assert tree_of("ann/shop", tmp_path) == tmp_path / name
