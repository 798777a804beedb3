"""What a checkpoint costs: a workspace of 10,000 files in which 10 have changed.

    python3 dev.py bench checkpoints [ROUNDS]

The aim is under 200 ms. A start of the box alone is measured beside it: each checkpoint has one.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from bench import machine
from codelab.kit.ids import new_id
from codelab.workspace.checkpoints.keeping import Keeping
from codelab.workspace.checkpoints.store import SnapshotStore
from codelab.workspace.sandbox.box import Access
from codelab.workspace.sandbox.output import Transcript
from codelab.workspace.sandbox.sandbox import Sandbox
from codelab.workspace.settings import WorkspaceSettings

FILES, FOLDERS, CHANGED = 10_000, 200, 10
_FILE_BYTES = 2000


def furnish(root: Path) -> list[Path]:
    """Make the files of a project."""
    made = []
    for number in range(FILES):
        path = root / f"package_{number % FOLDERS}" / f"module_{number}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(_FILE_BYTES // 2).hex().encode())
        made.append(path)
    return made


async def timed(work: Callable[[], Awaitable[object]]) -> float:
    """Return the milliseconds that something takes."""
    started = time.perf_counter()
    await work()
    return (time.perf_counter() - started) * 1000


async def main(rounds: int) -> None:
    """Measure several rounds and print least, median and most."""
    print(machine.describe())
    with tempfile.TemporaryDirectory(prefix="codelab-bench-") as name:
        root, data = Path(name, "project"), Path(name, "data")
        files = await asyncio.to_thread(furnish, root)
        sandbox = Sandbox(WorkspaceSettings(data_dir=data))
        await sandbox.standing()
        store = SnapshotStore(data / "checkpoints", sandbox, Keeping())
        workspace_id, session_id = new_id(), new_id()
        tree = ""

        async def bare() -> None:
            await sandbox.execute(
                root, ["true"], access=Access.READ, timeout_s=30, transcript=Transcript()
            )

        async def whole() -> None:
            nonlocal tree
            taken = await store.take(workspace_id, root, session_id, since=tree)
            if tree and len(taken.changes) not in (0, CHANGED):
                raise RuntimeError(f"{len(taken.changes)} changes were found")
            tree = taken.tree

        async def one_path() -> None:
            path = str(files[0].relative_to(root))
            await store.take(workspace_id, root, session_id, paths=[path], since=tree)

        def change(number: int) -> None:
            for path in files[number % FOLDERS :: FILES // CHANGED][:CHANGED]:
                path.write_bytes(os.urandom(_FILE_BYTES // 2).hex().encode())

        print(f"{'':<46} {'min':>9} {'median':>9} {'max':>9}")
        print(machine.row("the first checkpoint of the project", [await timed(whole)], "ms"))
        results: dict[str, list[float]] = {}
        for number in range(rounds):
            results.setdefault("an empty box", []).append(await timed(bare))
            results.setdefault("nothing changed", []).append(await timed(whole))
            await asyncio.to_thread(change, number)
            results.setdefault(f"{CHANGED} files changed", []).append(await timed(whole))
            await asyncio.to_thread(files[0].write_bytes, os.urandom(_FILE_BYTES))
            results.setdefault("one file, whose path is known", []).append(await timed(one_path))
            tree = (await store.take(workspace_id, root, session_id)).tree
        for what, values in results.items():
            print(machine.row(what, values, "ms"))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10))
