"""Ways to a model, side by side: processor time, time to the first token, streams held on a core.

    python3 dev.py bench gateway [ROUNDS] [--quick]

The upstream is the scripted model server in its load mode; each token carries the moment at which
it was written. What is measured has one core; the client and the upstream share the other. One
round takes several minutes; `--quick` only shows in a minute that everything runs.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import uvloop

from bench import machine
from bench.gateways.trials import Trial, Way, cpu_per_token, first_tokens, most_streams
from bench.gateways.ways import BARE, LIBRARY, OURS, PROXY, all_ways

_TIMES, _QUICK_TIMES = 100, 5
_WARM_UP_S = 15.0
# From here on the other core may be what limits the streams.
_SATURATED = 0.9


@dataclass
class Figures:
    """What the rounds have given for one way."""

    cpu_us: list[float] = field(default_factory=list)
    first_ms: list[float] = field(default_factory=list)
    added_p50_ms: list[float] = field(default_factory=list)
    added_p99_ms: list[float] = field(default_factory=list)
    held: list[Trial | None] = field(default_factory=list)

    @property
    def streams(self) -> float:
        """The median of the streams held."""
        return median([trial.streams if trial else 0 for trial in self.held])


async def one_round(
    ways: list[Way], upstreams: list[int], found: dict[str, Figures], *, quick: bool
) -> None:
    """Measure every way once, in turns."""
    firsts = await first_tokens(ways, _QUICK_TIMES if quick else _TIMES)
    bare = median(firsts[[way.name for way in ways].index(BARE)])
    for way, first in zip(ways, firsts, strict=True):
        figures = found[way.name]
        figures.added_p50_ms.append(median(first) - bare)
        figures.added_p99_ms.append(machine.percentile(first, 0.99) - bare)
    for way in ways:
        others = [pid for pid in upstreams if pid != way.pid]
        found[way.name].cpu_us.append(await cpu_per_token(way, others))
    for way in [] if quick else ways:
        others = [pid for pid in upstreams if pid != way.pid]
        trial = await most_streams(way, others)
        found[way.name].held.append(trial)


def report(found: dict[str, Figures]) -> None:
    """Print the medians, and what they are beside the peers'."""
    print(
        f"{'':<32} {'CPU/token':>10} {'first token, added p50 / p99':>30} {'streams':>8} "
        f"{'p99':>8} {'CPU/token':>10} {'others':>7} {'x proxy':>8} {'x library':>9}"
    )
    for name, figures in found.items():
        line = f"{name:<32} {median(figures.cpu_us):>7.0f} us "
        line += f"{median(figures.added_p50_ms):>18.2f} / {median(figures.added_p99_ms):>6.2f} ms"
        last = figures.held[-1] if figures.held else None
        if last is not None:
            line += f" {figures.streams:>8.0f} {last.p99_ms:>5.1f} ms {last.cpu_us:>7.0f} us"
            line += f" {last.others:>6.0%}{'!' if last.others > _SATURATED else ' '}"
            for rival, width in ((PROXY, 7), (LIBRARY, 9)):
                streams = found[rival].streams
                line += f" {figures.streams / streams:>{width}.1f}" if streams else " " * 8
        print(line)
    print("others: how busy the core of the client and the upstream was; ! means it was full.")
    print(f"Aims for {OURS}: 80 us, 1 ms at p50, 25 x the proxy, 12 x the library.")


async def main(rounds: int, *, quick: bool) -> None:
    """Interleave all ways over the rounds and print medians."""
    print(machine.describe(), flush=True)
    here, there = machine.two_cores()
    with tempfile.TemporaryDirectory() as name:
        async with all_ways(Path(name), here, there) as (ways, upstreams):
            with machine.on_core(there):
                await asyncio.sleep(0 if quick else _WARM_UP_S)
                found = {way.name: Figures() for way in ways}
                for _ in range(rounds):
                    await one_round(ways, upstreams, found, quick=quick)
    report(found)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="dev.py bench gateway")
    parser.add_argument("rounds", type=int, nargs="?", default=1)
    parser.add_argument("--quick", action="store_true", help="only show that everything runs")
    given = parser.parse_args()
    uvloop.run(main(given.rounds, quick=given.quick))
