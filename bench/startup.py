"""Start-up: time to the first healthy answer, and memory at rest.

python3 dev.py bench startup [ROUNDS]
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from bench import machine
from tests.conftest import Stores
from tests.flows.harness import PASSWORD, USER, CodeLab, signed_in

_WARM_S = 12.0
# Never called: it is there because litellm is only loaded where a model may need it.
_MODELS = (
    "model_list:\n  - model_name: any\n    litellm_params:\n"
    "      model: anthropic/any\n      api_key: none\n"
)


async def measure(folder: Path, *, first: bool) -> tuple[float, float, float, float]:
    """Start a server once: seconds to healthy, MiB at rest, MiB warmed, ms of a session list."""
    project = folder / "project"
    project.mkdir(exist_ok=True)
    url = f"sqlite+aiosqlite:///{folder / 'codelab.db'}"
    server = CodeLab(
        folder,
        project,
        Stores("embedded", url, None),
        models=_MODELS,
        extra={"CODELAB_LITELLM_PRELOAD": "true"},
    )
    if first:
        server.run("migrate")
        server.run("user", "add", USER, "--admin", "--password-stdin", stdin=PASSWORD)
    started = time.perf_counter()
    await server.start()
    healthy_s = time.perf_counter() - started
    at_rest = machine.resident_mib(server.pid)
    async with signed_in(server) as client:
        begun = time.perf_counter()
        await client.call("GET", "sessions")
        request_ms = (time.perf_counter() - begun) * 1000
    await asyncio.sleep(_WARM_S)
    warmed = machine.resident_mib(server.pid)
    server.stop()
    return healthy_s, at_rest, warmed, request_ms


async def main(rounds: int) -> None:
    """Measure several starts and print the medians."""
    print(machine.describe())
    results = []
    with tempfile.TemporaryDirectory() as name:
        for number in range(rounds + 1):
            measured = await measure(Path(name), first=number == 0)
            # The first start also writes bytecode and is not counted.
            if number:
                results.append(measured)
    columns = [list(column) for column in zip(*results, strict=True)]
    print(f"{'':<46} {'min':>9} {'median':>9} {'max':>9}")
    print(machine.row("start to healthy", columns[0], "s"))
    print(machine.row("memory at rest, before litellm", columns[1], "MiB"))
    print(machine.row("memory with litellm warmed", columns[2], "MiB"))
    print(machine.row("first REST request", columns[3], "ms"))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5))
