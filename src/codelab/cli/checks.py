"""What `codelab doctor` looks at, one small check after the other."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import sys
import time
from collections.abc import Sequence
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, unquote, urlsplit

import msgspec

from codelab.kit.bus import Bus
from codelab.kit.clock import utc_now
from codelab.kit.db import Database
from codelab.kit.errors import CodeLabError
from codelab.kit.schema import SchemaState, read_version

Level = Literal["ok", "weak", "missing"]

_PYTHON = ((3, 11), (3, 14))
# The first release with everything that the statements here use, such as RETURNING.
_SQLITE = (3, 35)
_MEGABYTE = 1024 * 1024
_LITTLE_MB, _TOO_LITTLE_MB = 1024, 100
_CLOCK_DRIFT_S = 5.0
_REDIS_S = 5.0


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What a check found, and how to mend it where something is not as it should be."""

    name: str
    level: Level
    text: str
    mend: str = ""


def check_python(running: Sequence[int] = sys.version_info[:3]) -> Finding:
    """Check that this Python is one of those that CodeLab is tested with."""
    text = ".".join(str(part) for part in running)
    oldest, too_new = _PYTHON
    if oldest <= tuple(running[:2]) < too_new:
        return Finding(name="Python", level="ok", text=text)
    return Finding(
        name="Python", level="missing", text=text, mend="Install Python 3.11, 3.12 or 3.13."
    )


def check_sqlite(linked: Sequence[int] = sqlite3.sqlite_version_info) -> Finding:
    """Check SQLite, the embedded database."""
    text = ".".join(str(part) for part in linked)
    if tuple(linked[:2]) >= _SQLITE:
        return Finding(name="SQLite", level="ok", text=text)
    return Finding(
        name="SQLite",
        level="missing",
        text=text,
        mend="Use a Python that was built with SQLite 3.35 or later, or PostgreSQL.",
    )


def check_program(name: str, why: str, mend: str, *, path: str | None = None) -> Finding:
    """Check that a program is installed; without it something is weaker, not impossible.

    Args:
        name: The program.
        why: What it is for.
        mend: How to get it.
        path: Where to look; none: where this process's programs are found.
    """
    found = shutil.which(name, path=path)
    if found:
        return Finding(name=name, level="ok", text=found)
    return Finding(name=name, level="weak", text=f"not installed: {why}", mend=mend)


def check_package(name: str, why: str) -> Finding:
    """Check that a distribution that brings a program is installed."""
    try:
        return Finding(name=name, level="ok", text=version(name))
    except PackageNotFoundError:
        mend = f"Install it into CodeLab's environment: pip install {name}"
        return Finding(name=name, level="weak", text=f"not installed: {why}", mend=mend)


def check_index(engine: str, *, is_confined: bool) -> Finding:
    """Check what keeps the process in that takes strangers' sources apart.

    Args:
        engine: What searches indexes; `off`: none are made.
        is_confined: Whether the kernel confines it.
    """
    if engine == "off":
        return Finding(name="index", level="ok", text="none is made (CODELAB_INDEX_ENGINE is off)")
    if is_confined:
        return Finding(name="index", level="ok", text=f"{engine}, made by a confined process")
    return Finding(
        name="index",
        level="weak",
        text=f"{engine}, made by a process of which only the memory is bounded",
        mend="Linux 6.12 or later with Landlock keeps it in (docs/retrieval.md).",
    )


def check_disk(folder: Path, free_bytes: int | None = None) -> Finding:
    """Check that there is room for data."""
    place = next(each for each in (folder, *folder.parents) if each.exists())
    free = shutil.disk_usage(place).free if free_bytes is None else free_bytes
    free_mb = free // _MEGABYTE
    text = f"{free_mb:,} MB free for {folder}"
    if free_mb >= _LITTLE_MB:
        return Finding(name="disk", level="ok", text=text)
    level: Level = "weak" if free_mb >= _TOO_LITTLE_MB else "missing"
    mend = "Make room, or set CODELAB_DATA_DIR to a folder on another disk."
    return Finding(name="disk", level=level, text=text, mend=mend)


def check_clock(here: datetime, reference: datetime | None) -> Finding:
    """Compare this machine's clock with the database server's, or just see that it is set."""
    if reference is not None:
        drift_s = abs((here - reference).total_seconds())
        if drift_s > _CLOCK_DRIFT_S:
            return Finding(
                name="clock",
                level="weak",
                text=f"{drift_s:.0f} s away from the database server's",
                mend="Keep both machines' clocks right with NTP: sign-ins depend on them.",
            )
    elif here.timestamp() < Path(__file__).stat().st_mtime - _CLOCK_DRIFT_S:
        return Finding(
            name="clock",
            level="weak",
            text=f"{here:%Y-%m-%d %H:%M} lies before this installation was made",
            mend="Set the clock: sign-ins depend on it.",
        )
    return Finding(name="clock", level="ok", text=f"{here:%Y-%m-%d %H:%M:%S} UTC")


async def check_database(url: str) -> tuple[Finding, Finding]:
    """Check that the database answers and is up to date; and the clock against its own."""
    db = Database(url, Bus())
    kind = "SQLite file" if db.embedded else "PostgreSQL"
    started = time.perf_counter()
    try:
        schema = await read_version(db)
        took_ms = (time.perf_counter() - started) * 1000
        async with db.transaction() as tx:
            clock = check_clock(utc_now(), None if db.embedded else await tx.now())
    except CodeLabError:
        mend = "Check CODELAB_DATABASE_URL, and that the server runs and lets this user in."
        away = Finding(name="database", level="missing", text=f"{kind} cannot be used", mend=mend)
        return away, check_clock(utc_now(), None)
    finally:
        await db.close()
    text = f"{kind}, version {schema.current or 'none'}, {took_ms:.0f} ms"
    if schema.state is SchemaState.CURRENT:
        return Finding(name="database", level="ok", text=text), clock
    if schema.state is SchemaState.NEWER:
        mend = "It was made by a later CodeLab: install that one again."
        return Finding(name="database", level="missing", text=text, mend=mend), clock
    level: Level = "weak" if db.embedded else "missing"
    mend = "Run `codelab migrate`; `codelab serve` does so by itself for an embedded one."
    return Finding(name="database", level=level, text=text, mend=mend), clock


async def check_redis(url: str) -> Finding:
    """Check that Redis answers."""
    if not url:
        return Finding(name="Redis", level="ok", text="not used: one server, in memory")
    try:
        async with asyncio.timeout(_REDIS_S):
            answer = await _ping(urlsplit(url))
    except (OSError, ValueError, TimeoutError):
        answer = b""
    if answer == b"+PONG":
        return Finding(name="Redis", level="ok", text="answers")
    text = "does not let this user in" if answer.startswith(b"-") else "does not answer"
    mend = "Check CODELAB_REDIS_URL, and that the server runs."
    return Finding(name="Redis", level="missing", text=text, mend=mend)


async def _ping(url: SplitResult) -> bytes:
    reader, writer = await asyncio.open_connection(
        url.hostname, url.port or 6379, ssl=url.scheme == "rediss" or None
    )
    try:
        answer = b""
        if url.password:
            words = ("AUTH", *([unquote(url.username)] if url.username else []))
            answer = await _command(reader, writer, *words, unquote(url.password))
        return answer if answer.startswith(b"-") else await _command(reader, writer, "PING")
    finally:
        writer.close()
        await writer.wait_closed()


async def _command(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *words: str
) -> bytes:
    parts = [
        f"*{len(words)}",
        *(part for word in words for part in (f"${len(word.encode())}", word)),
    ]
    writer.write("".join(f"{part}\r\n" for part in parts).encode())
    return (await reader.readline()).rstrip()
