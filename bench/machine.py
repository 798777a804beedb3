"""What is measured from outside a process, and on which machine."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

_TICKS = os.sysconf("SC_CLK_TCK")


def describe() -> str:
    """Name the machine in one line: figures without it mean nothing."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores ({_processor()}), {memory:.0f} GiB, "
        f"Linux {platform.release()}, Python {platform.python_version()}"
    )


def cpu_s(pid: int) -> float:
    """Return the processor seconds a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def tree_cpu_s(pid: int) -> float:
    """Return the processor seconds that a process and its children have used so far."""
    spent, waiting = 0.0, [pid]
    while waiting:
        one = waiting.pop()
        # Linux's clock of another process: to the nanosecond, where /proc counts in ticks.
        spent += time.clock_gettime(~one << 3 | 2)
        for thread in Path(f"/proc/{one}/task").iterdir():
            waiting += [int(child) for child in (thread / "children").read_text().split()]
    return spent


def two_cores() -> tuple[int, int]:
    """Return a core for what is measured and one for everything else; the same where it is one."""
    cores = sorted(os.sched_getaffinity(0))
    return cores[0], cores[-1]


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """Start processes on one core; with a single one there is nothing to choose."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core} & before or before)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def resident_mib(pid: int) -> float:
    """Return the memory a process holds right now."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def percentile(values: list[float], share: float) -> float:
    """Return the value below which the share of all values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def row(name: str, values: list[float], unit: str) -> str:
    """Format minimum, median and maximum of several rounds."""
    return f"{name:<46} {min(values):>9.2f} {median(values):>9.2f} {max(values):>9.2f} {unit}"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
