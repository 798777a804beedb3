"""The start of a box: how long `true` takes in it, as a ratio to bare bash.

python3 dev.py bench sandbox [ROUNDS]
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from typing import Literal

from bench import machine
from codelab.workspace.sandbox.box import Access
from codelab.workspace.sandbox.sandbox import Sandbox
from codelab.workspace.settings import WorkspaceSettings

_COMMAND = ["/bin/bash", "-c", "true"]
_LAYERS: tuple[Literal["bwrap", "landlock"], ...] = ("bwrap", "landlock")
_WARM_ROUNDS = 5

Run = Callable[[], Awaitable[object]]


async def bare() -> None:
    """Start bash as any program would."""
    process = await asyncio.create_subprocess_exec(
        *_COMMAND,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    await process.communicate()


async def contestants(folder: Path) -> dict[str, Run]:
    """Return bare bash and what each layer of this machine makes of it."""
    found: dict[str, Run] = {"bare bash": bare}
    root = folder / "project"
    root.mkdir()
    for layer in _LAYERS:
        sandbox = Sandbox(WorkspaceSettings(data_dir=folder / "data", sandbox=layer))
        standing = await sandbox.standing()
        if standing.layer == "none":
            print(f"left out: {layer}, because {standing.reason}")
            continue
        for access in (Access.READ, Access.WORK):
            found[f"{standing.layer}, {access.value}"] = _boxed(sandbox, root, access)
    return found


def _boxed(sandbox: Sandbox, root: Path, access: Access) -> Run:
    return lambda: sandbox.run(root, _COMMAND, access=access, timeout_s=10)


async def main(rounds: int) -> None:
    """Measure interleaved, so that a busy moment of the machine meets all of them."""
    print(machine.describe())
    with tempfile.TemporaryDirectory() as name:
        runs = await contestants(Path(name))
        taken: dict[str, list[float]] = {one: [] for one in runs}
        for number in range(rounds + _WARM_ROUNDS):
            for one, run in runs.items():
                started = time.perf_counter()
                await run()
                if number >= _WARM_ROUNDS:
                    taken[one].append((time.perf_counter() - started) * 1000)
    baseline = taken["bare bash"]
    p50, p95 = median(baseline), machine.percentile(baseline, 0.95)
    print(f"{'':<24} {'p50 ms':>9} {'ratio':>7} {'p95 ms':>9} {'ratio':>7}")
    for one, values in taken.items():
        middle, slow = median(values), machine.percentile(values, 0.95)
        print(f"{one:<24} {middle:>9.2f} {middle / p50:>7.2f} {slow:>9.2f} {slow / p95:>7.2f}")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200))
