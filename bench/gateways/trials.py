"""What is measured of each way: processor time, time to the first token, streams held."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bench import machine
from bench.gateways.reading import Stream

RATE = 50
TOKENS = 200
LIMIT_MS = 20.0
_SPREAD_S = 1.0
_SETTLED_S = 0.25
# Below this the tokens came too slowly to call the streams held, however fresh each was.
_LEAST_PACE = 0.95
_LIGHT_STREAMS = 8
_MOST_STREAMS = 1024
_CLOSE_ENOUGH = 1.08
_PATIENCE_S = 60.0


class Line(NamedTuple):
    """An open connection, and what is sent on it for a long answer and for one of one token."""

    stream: Stream
    long: bytes
    short: bytes


@dataclass(frozen=True)
class Way:
    """One way to the same tokens.

    Args:
        name: What the table calls it.
        pid: The process whose time counts, with its children.
        open: Opens a connection to ask on.
        begin_with: The number of streams that the search begins with.
        limit_ms: How late 99 of 100 tokens may be.
    """

    name: str
    pid: int
    open: Callable[[], Awaitable[Line]]
    begin_with: int = 64
    limit_ms: float = LIMIT_MS


@dataclass(frozen=True)
class Trial:
    """What a number of streams gave.

    Args:
        streams: How many there were.
        p99_ms: How late 99 of 100 tokens were at most, once all streams ran.
        pace: The tokens that came, as a share of those that should have.
        cpu_us: The way's processor time for each token.
        others: How busy the core of the client and the upstream was.
    """

    streams: int
    p99_ms: float
    pace: float
    cpu_us: float
    others: float

    def held(self, limit_ms: float) -> bool:
        """Whether all tokens came in time."""
        return self.p99_ms <= limit_ms and self.pace >= _LEAST_PACE


async def run(way: Way, count: int, others: list[int]) -> Trial:
    """Run so many streams to their end, their starts spread over a second."""
    lines = [await way.open() for _ in range(count)]
    gc.collect()
    gc.disable()
    started, before = time.monotonic_ns(), machine.tree_cpu_s(way.pid)
    busy = asyncio.create_task(_busy(others))

    async def one(number: int, line: Line) -> None:
        await asyncio.sleep(_SPREAD_S * number / count)
        await line.stream.ask(line.long)

    try:
        async with asyncio.timeout(_PATIENCE_S):
            await asyncio.gather(*(one(*pair) for pair in enumerate(lines)))
    except (TimeoutError, OSError, RuntimeError) as error:
        # A way that refuses or breaks under load holds no streams; the others go on.
        print(f"{way.name}, {count} streams: {type(error).__name__} {error}", flush=True)
        return Trial(count, float("inf"), 0.0, float("nan"), await busy)
    finally:
        gc.enable()
        for line in lines:
            line.stream.close()
    spent = machine.tree_cpu_s(way.pid) - before
    opened = started + int((_SPREAD_S + _SETTLED_S) * 1e9)
    closed = started + int(TOKENS / RATE * 1e9)
    tokens = [token for line in lines for token in line.stream.tokens]
    window = [late / 1e6 for at, late in tokens if opened <= at < closed]
    expected = count * RATE * (closed - opened) / 1e9
    return Trial(
        count,
        machine.percentile(window, 0.99) if window else float("inf"),
        len(window) / expected,
        spent * 1e6 / len(tokens),
        await busy,
    )


async def _busy(pids: list[int]) -> float:
    """Measure how busy the client and the upstream are while all streams run."""
    await asyncio.sleep(_SPREAD_S + _SETTLED_S)
    started, before = time.monotonic(), sum(map(machine.tree_cpu_s, pids)) + time.process_time()
    await asyncio.sleep(TOKENS / RATE - _SPREAD_S - _SETTLED_S)
    spent = sum(map(machine.tree_cpu_s, pids)) + time.process_time() - before
    return spent / (time.monotonic() - started)


async def cpu_per_token(way: Way, others: list[int]) -> float:
    """Measure a few streams that every way can hold."""
    return (await run(way, _LIGHT_STREAMS, others)).cpu_us


async def most_streams(way: Way, others: list[int]) -> Trial | None:
    """Search the most streams that are held; none when a single one is not."""
    least: Trial | None = None
    count, too_many = way.begin_with, _MOST_STREAMS + 1
    while count >= 1 and (least is None or too_many / least.streams > _CLOSE_ENOUGH):
        trial = await run(way, count, others)
        if trial.held(way.limit_ms):
            least = trial
            if count == _MOST_STREAMS:
                break
            beyond = min(2 * count, _MOST_STREAMS)
            count = beyond if beyond < too_many else (count + too_many) // 2
        else:
            too_many = count
            count = count // 2 if least is None else (least.streams + count) // 2
        if least is not None and count <= least.streams:
            break
    return least


async def first_tokens(ways: Sequence[Way], times: int) -> list[list[float]]:
    """Ask for one token, one request after the other and way by way.

    Returns:
        The milliseconds to the first token, for each way.
    """
    found: list[list[float]] = [[] for _ in ways]
    for way in ways:
        # Some load what they need only now, and the others' connections would not wait for it.
        await _ask_once(way)
    lines = [await way.open() for way in ways]
    for _ in range(times):
        for place, way in enumerate(ways):
            try:
                found[place].append(await _first_token(lines[place]))
            except RuntimeError:
                # Servers close connections now and then; opening one is not what is measured.
                lines[place] = await way.open()
                found[place].append(await _first_token(lines[place]))
    for line in lines:
        line.stream.close()
    return found


async def _first_token(line: Line) -> float:
    asked = time.monotonic_ns()
    await line.stream.ask(line.short)
    return (line.stream.first_ns - asked) / 1e6


async def _ask_once(way: Way) -> None:
    line = await way.open()
    await line.stream.ask(line.short)
    line.stream.close()
