"""A process that writes an index until something ends it: `python -m ... FOLDER ENGINE HOW`."""

from __future__ import annotations

import os
import resource
import signal
import sys
from itertools import count
from pathlib import Path

from codelab.retrieval.errors import IndexUnwritable
from codelab.retrieval.index.connecting import writing
from codelab.retrieval.index.fts5 import Fts5Index
from codelab.retrieval.index.lexical import LexicalIndex
from codelab.retrieval.index.opening import Engine, WritableIndex
from codelab.retrieval.index.tantivy_index import TantivyIndex
from codelab.retrieval.index.writer import Writer
from tests.retrieval.index.making import entry, function

_FILES = 12


def _tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _put(writer: Writer, number: int, words: int = 30) -> None:
    """Change a third of the files, forget one, and let the oldest versions go."""
    with writer.batch():
        writer.put(
            entry(
                f"src/file_{(number + place) % _FILES}.py",
                f"def number_{number}():\n" + f"    word_{number} = call_{place}()\n" * words,
                [function(f"number_{number}", 1, words + 1)],
            )
            for place in range(_FILES // 3)
        )
        writer.put_history([(f"src/file_{number % _FILES}.py", ["mend", f"n{number}"])])
        writer.forget([f"src/file_{(number + 5) % _FILES}.py"])
        writer.prune()


def _for_ever(index: WritableIndex) -> None:
    for number in count(1):
        _put(index.writer, number)
        _tell(str(number))


def _until_full(index: WritableIndex) -> None:
    """Write bigger and bigger batches until files may not grow any further."""
    for number in count(1):
        try:
            _put(index.writer, number, words=200 * number)
        except IndexUnwritable:
            break
    _tell(str(number - 1))
    # There is room again.
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    _put(index.writer, number + 1)
    _tell(str(number + 1))
    index.close()


def _between(folder: Path, engine: Engine) -> None:
    """End in the middle of a batch, when the catalogue has it and the full-text index has not."""
    newest = max(each for each in folder.iterdir() if each.name.isdecimal())
    connection = writing(newest / "catalogue.db")

    class Tantivy(TantivyIndex):
        def commit(self) -> None:
            os.kill(os.getpid(), signal.SIGKILL)

    class Fts5(Fts5Index):
        def commit(self) -> None:
            os.kill(os.getpid(), signal.SIGKILL)

    lexical: LexicalIndex = (
        Fts5(connection) if engine == "fts5" else Tantivy(newest / "lexical", writes=True)
    )
    _put(Writer(connection, lexical), 99)


def main(folder: Path, engine: Engine, how: str) -> None:
    if how == "between":
        _between(folder, engine)
        return
    index = WritableIndex(folder, engine)
    if how == "full":
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
        _until_full(index)
    else:
        _for_ever(index)


if __name__ == "__main__":
    main(Path(sys.argv[1]), "tantivy" if sys.argv[2] == "tantivy" else "fts5", sys.argv[3])
