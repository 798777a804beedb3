"""Files as an agent's tools use them: read_file, search_files against plain ripgrep, list_files.

python3 dev.py bench files [ROUNDS]
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

import msgspec

from bench import machine
from codelab.kit.bus import Bus
from codelab.kit.cache import MemoryCache
from codelab.kit.ratelimit import RateLimiter
from codelab.sdk import Agent, ToolContext, ToolGrant
from codelab.sdk.messages import ToolCall
from codelab.tools.api import Tools
from codelab.tools.builtin.plugin import register_tools
from codelab.workspace.api import Audience, Folder, WorkspaceSettings
from codelab.workspace.contents import MEMORY_BYTES, Contents
from codelab.workspace.rules import Rules
from codelab.workspace.sandbox.sandbox import Sandbox

_FILES = 10_000
_ENTRIES = 200_000
_READS = 100
# A file that changed a moment ago is not kept yet.
_SETTLED_S = 2.5
_AGENT = Agent(name="any", title="Any", description="", prompt="", grants=(ToolGrant(),))
_LINE = "    value_{0} = compute(value_{0}, {0})  # the {0}th of many lines\n"

Call = Callable[..., Awaitable[str]]


def _lines(count: int) -> str:
    return "".join(_LINE.format(number) for number in range(count))


def _tree(root: Path) -> None:
    """Write 10,000 files of a few kilobytes; every hundredth holds what is searched."""
    text = _lines(60)
    for number in range(_FILES):
        folder = root / f"part-{number // 100:03}"
        folder.mkdir(exist_ok=True)
        needle = f"needle_{number}\n" if number % 100 == 0 else ""
        (folder / f"file-{number:05}.py").write_text(f"{text}{needle}", "utf-8")


def _caller(folder: Folder) -> Call:
    """Return what calls a tool as an agent's turn does: checked, counted, bounded and masked."""
    tools = Tools(gate=None, limiter=RateLimiter(), bus=Bus(), file_operations_per_hour=10**9)
    tools.register(register_tools())
    context = ToolContext(
        workspace=folder,
        session_id="s",
        user_id="u",
        user_name="Any One",
        agent="any",
        on_output=lambda text: None,
    )

    async def call(name: str, **values: Any) -> str:
        asked = ToolCall(id="call", name=name, arguments=msgspec.json.encode(values).decode())
        prepared = await tools.prepare(asked, _AGENT, context, "turn")
        result = await tools.execute(prepared, context)
        if not result.ok:
            raise RuntimeError(result.output)
        return result.output

    return call


async def _timed_ms(work: Awaitable[object]) -> float:
    started = time.perf_counter()
    await work
    return (time.perf_counter() - started) * 1000


def _forget(path: Path) -> None:
    """Let the system drop a file's pages, so that it comes from the disk again."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)


async def _reads(root: Path, call: Call, contents: Contents) -> None:
    text = _lines(30_000)[:1_000_000]
    cold: list[float] = []
    for number in range(_READS):
        # Another content each time: nothing of it is known, neither here nor to the system.
        path = root / f"cold-{number}.py"
        path.write_text(f"# {number}\n{text[10:]}", "utf-8")
        _forget(path)
        cold.append(await _timed_ms(call("read_file", path=path.name)))
    (root / "warm.py").write_text(text, "utf-8")
    await asyncio.sleep(_SETTLED_S)
    await call("read_file", path="warm.py")
    warm = [await _timed_ms(call("read_file", path="warm.py")) for _ in range(_READS)]
    ranges = [
        await _timed_ms(call("read_file", path="warm.py", start_line=at + 1, end_line=at + 200))
        for at in range(0, 100 * 100, 100)
    ]
    for name, values in (("cold", cold), ("warm", warm), ("warm, 200 lines of it", ranges)):
        p50, p95 = machine.percentile(values, 0.5), machine.percentile(values, 0.95)
        print(f"read_file, 1 MB, {name:<24} p50 {p50:8.2f} ms   p95 {p95:8.2f} ms")
    hits, misses = contents.looked_up()
    print(f"contents found in the cache: {hits} of {hits + misses}")


async def _searches(root: Path, call: Call, sandbox: Sandbox, rounds: int) -> None:
    program = Path(sys.prefix) / "bin" / "rg"
    words = [str(program), "--no-config", "--line-number", "needle_[0-9]+", "./"]
    plain: list[float] = []
    ours: list[float] = []
    box: list[float] = []
    layer = (await sandbox.standing()).layer

    async def ripgrep() -> None:
        process = await asyncio.create_subprocess_exec(
            *words, cwd=root, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
        )
        await process.communicate()

    async def nothing() -> None:
        await call("search_files", pattern="needle_[0-9]+", path="part-000/file-00000.py")

    for number in range(rounds + 1):
        measured = (
            await _timed_ms(ripgrep()),
            await _timed_ms(call("search_files", pattern="needle_[0-9]+")),
            await _timed_ms(nothing()),
        )
        # The first round reads the files from the disk.
        if number:
            for values, value in zip((plain, ours, box), measured, strict=True):
                values.append(value)
    print(f"{'':<46} {'min':>9} {'median':>9} {'max':>9}")
    print(machine.row(f"plain ripgrep on {_FILES} files", plain, "ms"))
    print(machine.row(f"search_files on them ({layer})", ours, "ms"))
    print(machine.row("search_files on a single file: all but searching", box, "ms"))
    ratio = median(ours) / median(plain)
    without = (median(ours) - median(box)) / median(plain)
    print(f"ratio to plain ripgrep {ratio:.2f}; without what starts it {without:.2f}")


async def _listings(call: Call, rounds: int) -> None:
    await call("list_files", path=".")
    before = machine.resident_mib(os.getpid())
    flat: list[float] = []
    deep: list[float] = []
    for _ in range(rounds):
        flat.append(await _timed_ms(call("list_files", path="many")))
        deep.append(await _timed_ms(call("list_files", path=".", recursive=True)))
    after = machine.resident_mib(os.getpid())
    print(machine.row(f"list_files of {_ENTRIES} entries", flat, "ms"))
    print(machine.row("list_files of the tree around it", deep, "ms"))
    print(f"memory more than before: {max(0.0, after - before):.1f} MiB")


async def main(rounds: int) -> None:
    """Measure all three and print the figures."""
    print(machine.describe())
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(8) as threads:
        sandbox = Sandbox(WorkspaceSettings(data_dir=Path(name) / "data"))
        layer = (await sandbox.standing()).layer

        def opened(folder: str, contents: Contents | None = None) -> tuple[Path, Call]:
            root = Path(name) / folder
            root.mkdir()
            rules = Rules(Audience.AGENT)
            return root, _caller(Folder(root, rules, sandbox, layer, threads, contents))

        contents = Contents(MemoryCache(MEMORY_BYTES))
        await _reads(*opened("reading", contents), contents)
        root, call = opened("searching")
        _tree(root)
        await _searches(root, call, sandbox, rounds)
        root, call = opened("listing")
        many = root / "many"
        many.mkdir()
        for number in range(_ENTRIES):
            (many / f"file-{number:06}.txt").touch()
        await _listings(call, rounds)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 20))
