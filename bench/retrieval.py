"""What an index costs, and how long its answers take: a tree of sources that you point to.

    python3 dev.py bench retrieval TREE

Indexing runs in one process on one core, beside one scan of the same tree by ripgrep on that core.
Questions are asked of as many copies of the tree as make 70,000 pieces; their words are taken from
its files. Vectors and past commits are left out.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import get_args

import msgspec

from bench import machine
from codelab.retrieval.index.lexical import FIELDS
from codelab.retrieval.index.opening import Engine, ReadableIndex, readable
from codelab.retrieval.indexing.frames import Place
from codelab.retrieval.indexing.updating import Steps, Updating
from codelab.retrieval.indexing.worker import collect_rarely
from codelab.retrieval.ranking.question import telling, terms_of
from codelab.retrieval.ranking.terms import words
from codelab.retrieval.searching import MOST_ROWS, answered

ENGINES: tuple[Engine, ...] = get_args(Engine)
PIECES = 70_000
_QUESTIONS = 220
_WARMING = 20
_CHANGES = 50
_SCANS = 5
_MIB = 2**20
# What the budgets for a whole tree are meant for.
_BUDGET_BYTES, _BUDGET_S = 85_000_000, 40.0
_BUDGET_SCANS = 200
_BUDGET_SIZE = 0.8
_BUDGET_MS: dict[Engine, float] = {"fts5": 100.0, "tantivy": 10.0}
# Of the way from saving a file to finding what was saved.
_BUDGET_SAVED_MS = 300.0


class Built(msgspec.Struct):
    """What a process that indexed a tree tells of itself."""

    elapsed_s: float
    cpu_s: float
    peak_mib: float
    before_mib: float


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _finish(steps: Steps) -> None:
    for _ in steps:
        pass


def _opened(root: Path, folder: Path, engine: Engine) -> Updating:
    place = Place("bench", str(root), str(folder))
    return Updating(place, engine, (), lambda digest: None)


def build(root: Path, folder: Path, engine: Engine) -> Built:
    """Index a tree in this process."""
    collect_rarely()
    before = _peak_mib()
    started, spent = time.perf_counter(), time.process_time()
    updating = _opened(root, folder, engine)
    _finish(updating.reconcile(lambda done, of: None))
    updating.close()
    return Built(time.perf_counter() - started, time.process_time() - spent, _peak_mib(), before)


def _built(root: Path, folder: Path, engine: Engine) -> Built:
    """Index a tree in a process of its own, whose memory is nobody else's, on one core."""
    command = (sys.executable, "-m", "bench.retrieval", "--build", root, folder, engine)
    with machine.on_core(machine.two_cores()[0]):
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return msgspec.json.decode(done.stdout, type=Built)


def _scan_s(root: Path) -> float:
    """Return the least time that one scan by ripgrep takes on one core."""
    program = Path(sys.prefix) / "bin" / "rg"
    command = (program, "--no-config", "--count", "needle_[0-9]+", "./")
    least = float("inf")
    with machine.on_core(machine.two_cores()[0]):
        for _ in range(_SCANS):
            started = time.perf_counter()
            subprocess.run(command, cwd=root, stdout=subprocess.DEVNULL, check=False)
            least = min(least, time.perf_counter() - started)
    return least


def _bytes_below(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _index(folder: Path) -> ReadableIndex:
    index = readable(folder)
    if index is None:
        raise RuntimeError("There is no index.")
    return index


def _line(name: str, value: str, budget: str = "") -> None:
    print(f"{name:<46} {value:>22}   {budget}")


def _tell_build(engine: Engine, root: Path, folder: Path, built: Built, scan_s: float) -> int:
    """Print what a build took, and return how many pieces it made."""
    index = _index(folder)
    coverage = index.catalogue.coverage()
    index.close()
    size = _bytes_below(folder)
    allowed_s = _BUDGET_S * coverage.size / _BUDGET_BYTES
    _line(
        f"{engine}: index of {coverage.files} files, {coverage.size / 1e6:.0f} MB",
        f"{built.elapsed_s:.1f} s",
        f"at most {allowed_s:.0f} s ({_BUDGET_S:.0f} s for {_BUDGET_BYTES / 1e6:.0f} MB)",
    )
    _line("  processor time of it", f"{built.cpu_s:.1f} s")
    _line(
        f"  scans by ripgrep of {scan_s * 1000:.0f} ms",
        f"{built.elapsed_s / scan_s:.0f}",
        f"at most {_BUDGET_SCANS}",
    )
    _line(
        f"  size, {size / 1e6:.0f} MB, of what is indexed",
        f"{size / coverage.size:.2f}",
        f"at most {_BUDGET_SIZE}",
    )
    _line("  size, of the whole tree", f"{size / _bytes_below(root):.2f}")
    _line("  memory more than at the start", f"{built.peak_mib - built.before_mib:.0f} MiB")
    _line("  pieces, symbols", f"{coverage.pieces}, {coverage.symbols}")
    return coverage.pieces


def _questions(root: Path, index: ReadableIndex) -> Iterator[str]:
    """Yield the words of three lines from the middles of pieces, evenly over all of them."""
    numbers = sorted(index.lexical.rows("piece"))
    step = max(len(numbers) // _QUESTIONS, 1)
    for piece in index.catalogue.pieces(numbers[::step]).values():
        lines = (root / piece.path).read_text("utf-8", "replace").split("\n")
        middle = (piece.first + piece.last) // 2
        text = " ".join(words("\n".join(lines[middle - 2 : middle + 1])))
        if len(terms_of(text)) >= 4:
            yield text


def _ask_words(index: ReadableIndex, question: str) -> None:
    """Do what an answer asks of the full-text index alone."""
    counts = terms_of(question)
    chosen = {
        field: telling(counts, index.lexical.found_in(field, counts), index.lexical.size(field))
        for field in FIELDS
    }
    for field in FIELDS:
        index.lexical.best(field, chosen["piece" if field == "file" else field], MOST_ROWS)


def _timed_ms(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


def _spent_ms(work: Callable[[], object]) -> float:
    """Measure processor time: what others on the machine do lengthens it less."""
    started = time.process_time()
    work()
    return (time.process_time() - started) * 1000


def _tell_times(name: str, times: list[float], budget_ms: float) -> None:
    p50, p95 = machine.percentile(times, 0.5), machine.percentile(times, 0.95)
    _line(name, f"p50 {p50:.1f} p95 {p95:.1f} ms", f"p95 at most {budget_ms:.0f} ms")


def _tell_answers(engine: Engine, root: Path, folder: Path) -> None:
    index = _index(folder)
    questions = list(_questions(root, index))
    pieces = index.lexical.size("piece")
    index.close()

    def measured(
        clock: Callable[[Callable[[], object]], float],
        ask: Callable[[ReadableIndex, str], object],
    ) -> list[float]:
        # One that was asked before remembers how common the words of its questions are.
        fresh = _index(folder)
        for question in questions[:_WARMING]:
            answered(fresh, question)
        times = [clock(partial(ask, fresh, question)) for question in questions[_WARMING:]]
        fresh.close()
        return times

    ranked = measured(_timed_ms, _ask_words)
    whole, spent = measured(_timed_ms, answered), measured(_spent_ms, answered)
    _tell_times(f"{engine}: ranking among {pieces} pieces", ranked, _BUDGET_MS[engine])
    _tell_times("  the whole answer", whole, _BUDGET_MS[engine])
    _tell_times("  processor time of it", spent, _BUDGET_MS[engine])


def _tell_changes(root: Path, folder: Path, engine: Engine) -> None:
    """Change a file, and measure until what is new in it is found."""
    updating = _opened(root, folder, engine)
    index = _index(folder)
    files = [file.path for file in index.catalogue.files() if file.how == "tree"]
    times = []
    for number in range(_CHANGES):
        path = files[number * len(files) // _CHANGES]
        with (root / path).open("a", encoding="utf-8") as file:
            file.write(f"\nsaved{number}word\n")

        def until_found(path: str = path, number: int = number) -> None:
            _finish(updating.look((path,)))
            if not index.lexical.best("piece", terms_of(f"saved{number}word"), 1):
                raise RuntimeError("What was saved is not found.")

        times.append(_timed_ms(until_found))
    index.close()
    updating.close()
    _tell_times("  a changed file found, without watching", times, _BUDGET_SAVED_MS)


def main(tree: Path) -> None:
    """Measure both engines and print the figures."""
    print(machine.describe())
    with tempfile.TemporaryDirectory(prefix="codelab-bench-") as name:
        root, work = Path(name) / "tree", Path(name) / "index"
        shutil.copytree(tree, root / "1", symlinks=True, ignore=shutil.ignore_patterns(".git"))
        scan_s = _scan_s(root)
        for engine in ENGINES:
            built = _built(root, work / engine, engine)
            pieces = _tell_build(engine, root, work / engine, built, scan_s)
            shutil.rmtree(work / engine)
        for copy in range(2, -(-PIECES // pieces) + 1):
            shutil.copytree(root / "1", root / str(copy), symlinks=True)
        for engine in ENGINES:
            _built(root, work / engine, engine)
            _tell_answers(engine, root, work / engine)
            _tell_changes(root, work / engine, engine)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--build"]:
        _, _, source, target, chosen = sys.argv
        which = next(engine for engine in ENGINES if engine == chosen)
        os.write(1, msgspec.json.encode(build(Path(source), Path(target), which)))
    elif len(sys.argv) == 2:
        main(Path(sys.argv[1]))
    else:
        raise SystemExit("usage: python3 dev.py bench retrieval TREE")
