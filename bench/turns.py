"""Whole turns over the WebSocket against the bare upstream: added time and CPU per token.

    python3 dev.py bench turns [ROUNDS] [TOKENS]

The upstream is the scripted model server in its load mode, at 50 tokens/s a stream. Each token
carries the moment at which it was written, so its way to the client is measured on one clock.
Everything is persisted; the store is SQLite, the default. Turns begin spread over the first
seconds, as people do; "at once" begins all of them in the same instant.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import aiohttp
import msgspec

from bench import machine
from tests.conftest import Stores
from tests.flows.harness import PASSWORD, USER, Client, CodeLab, send, signed_in
from tests.model_server.process import ModelServer

RATE = 50
CONCURRENCY = (1, 50, 200)
_SPREAD_S = 2.0
_STAMP = re.compile(r"t\d+@(\d+) ")
# A single stream is repeated, so that its median rests on more than one turn.
_REPEATS = {1: 5, 50: 1, 200: 1}


@dataclass
class Sample:
    """What one way of asking the upstream gave."""

    first_ms: list[float] = field(default_factory=list)
    latency_ms: list[float] = field(default_factory=list)
    tokens: int = 0
    cpu_us: float = 0.0

    def add(self, text: str, now_ns: int) -> None:
        """Note the tokens of one piece of text."""
        for match in _STAMP.finditer(text):
            self.tokens += 1
            self.latency_ms.append((now_ns - int(match[1])) / 1e6)


async def ask_upstream(
    upstream: ModelServer, model: str, sample: Sample, delay_s: float = 0
) -> None:
    """Read one stream from the upstream itself."""
    await asyncio.sleep(delay_s)
    body = {"model": model, "stream": True, "messages": [{"role": "user", "content": "go"}]}
    started = time.perf_counter()
    async with (
        aiohttp.ClientSession() as http,
        http.post(
            f"{upstream.openai_url}/chat/completions",
            json=body,
            headers={"Authorization": "Bearer bench"},
        ) as response,
    ):
        first = True
        async for line in response.content:
            if b"@" in line:
                if first:
                    sample.first_ms.append((time.perf_counter() - started) * 1000)
                    first = False
                sample.add(line.decode(), time.monotonic_ns())


async def ask_codelab(client: Client, session_id: str, sample: Sample, delay_s: float = 0) -> None:
    """Run one whole turn and read its tokens."""
    async with client.socket() as socket:
        await asyncio.sleep(delay_s)
        started = time.perf_counter()
        await send(socket, "chat", session_id, message="Explain this project", agent="ask")
        first = True
        async for text in socket:
            now = time.monotonic_ns()
            frame = msgspec.json.decode(text)
            if frame["type"] == "token":
                if first:
                    sample.first_ms.append((time.perf_counter() - started) * 1000)
                    first = False
                sample.add(frame["data"]["text"], now)
            if frame["type"] in ("done", "error"):
                if frame["type"] == "error":
                    raise SystemExit(f"the turn failed: {frame}")
                return


async def measure_upstream(
    upstream: ModelServer, model: str, streams: int, spread_s: float
) -> Sample:
    """Ask the upstream with this many streams."""
    sample = Sample()
    for _ in range(_REPEATS[streams]):
        await asyncio.gather(
            *(
                ask_upstream(upstream, model, sample, spread_s * number / streams)
                for number in range(streams)
            )
        )
    return sample


async def measure_codelab(client: Client, streams: int, spread_s: float) -> Sample:
    """Run this many turns."""
    sample = Sample()
    pid = client.server.pid
    for _ in range(_REPEATS[streams]):
        sessions = [await client.new_session() for _ in range(streams)]
        before = machine.cpu_s(pid)
        await asyncio.gather(
            *(
                ask_codelab(client, session, sample, spread_s * number / streams)
                for number, session in enumerate(sessions)
            )
        )
        sample.cpu_us += (machine.cpu_s(pid) - before) * 1e6
    return sample


async def main(rounds: int, tokens: int) -> None:
    """Interleave both ways over several rounds and print medians."""
    print(machine.describe())
    model = f"load-{RATE}x{tokens}"
    with tempfile.TemporaryDirectory() as name, ModelServer() as upstream:
        folder = Path(name)
        project = folder / "project"
        project.mkdir()
        models = (
            "model_list:\n  - model_name: load\n    litellm_params:\n"
            f"      model: openai/{model}\n      api_base: {upstream.openai_url}\n"
            "      api_key: bench\n"
        )
        url = f"sqlite+aiosqlite:///{folder / 'codelab.db'}"
        limits = {"CODELAB_LLM_REQUESTS_PER_HOUR": "1000000", "CODELAB_LOG_LEVEL": "warning"}
        stores = Stores("embedded", url, None)
        server = CodeLab(folder, project, stores, models, extra=limits)
        server.run("migrate")
        server.run("user", "add", USER, "--admin", "--password-stdin", stdin=PASSWORD)
        await server.start()
        # One core for the server, the other for the client and the upstream.
        if (os.cpu_count() or 1) > 1:
            os.sched_setaffinity(server.pid, {0})
            os.sched_setaffinity(0, set(range(1, os.cpu_count() or 2)))
        try:
            async with signed_in(server) as client:
                await first_turns(client)
                await compare(client, upstream, model, rounds)
        finally:
            server.stop()


async def first_turns(client: Client) -> None:
    """Compare the first turn after the start with the next ones."""
    samples = []
    for _ in range(6):
        sample = Sample()
        await ask_codelab(client, await client.new_session(), sample)
        samples.append(sample.first_ms[0])
    print(f"first turn after start: {samples[0]:.1f} ms, next: {median(samples[1:]):.1f} ms")


async def compare(client: Client, upstream: ModelServer, model: str, rounds: int) -> None:
    """Measure both ways, round by round."""
    print(
        f"{'turns':<13} {'first token, added p50 / p95':>30} {'token latency p50 / p99':>26} "
        f"{'bare p99':>9} {'CPU/token':>10} {'of a core':>9}"
    )
    for streams in CONCURRENCY:
        await compare_one(client, upstream, model, rounds, streams, _SPREAD_S)
    for streams in CONCURRENCY[1:]:
        await compare_one(client, upstream, model, rounds, streams, 0)


async def compare_one(
    client: Client, upstream: ModelServer, model: str, rounds: int, streams: int, spread_s: float
) -> None:
    """Measure one number of turns and print its line."""
    added, added_95, p50, p99, bare_p99, cpu = [], [], [], [], [], []
    for _ in range(rounds):
        bare = await measure_upstream(upstream, model, streams, spread_s)
        ours = await measure_codelab(client, streams, spread_s)
        floor = median(bare.first_ms)
        added.append(median(ours.first_ms) - floor)
        added_95.append(machine.percentile(ours.first_ms, 0.95) - floor)
        p50.append(median(ours.latency_ms))
        p99.append(machine.percentile(ours.latency_ms, 0.99))
        bare_p99.append(machine.percentile(bare.latency_ms, 0.99))
        cpu.append(ours.cpu_us / ours.tokens)
    name = f"{streams}" if spread_s else f"{streams} at once"
    print(
        f"{name:<13} {median(added):>17.1f} / {median(added_95):>6.1f} ms "
        f"{median(p50):>14.1f} / {median(p99):>6.1f} ms {median(bare_p99):>6.1f} ms "
        f"{median(cpu):>7.0f} us {median(cpu) * streams * RATE / 1e6:>8.0%}",
        flush=True,
    )


if __name__ == "__main__":
    arguments = [int(argument) for argument in sys.argv[1:]]
    asyncio.run(main(*(arguments + [3, 200][len(arguments) :])))
