"""Runs the model server: `python -m tests.model_server --port 0`."""

from __future__ import annotations

import argparse
import asyncio
import signal
import ssl
import sys
from pathlib import Path

from aiohttp import web

from tests.model_server.app import ModelServerApp

if sys.platform == "win32":
    from asyncio import new_event_loop
else:
    from uvloop import new_event_loop

_BACKLOG = 1024


async def serve(port: int, *, until_stdin_closes: bool, tls: Path | None = None) -> None:
    """Serves on loopback until SIGTERM or SIGINT, or until whoever started it has gone."""
    context = None
    if tls is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(tls / "fullchain.pem", tls / "privkey.pem")
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if until_stdin_closes:
        loop.add_reader(sys.stdin.fileno(), stop.set)
    runner = web.AppRunner(
        ModelServerApp().build(), handler_cancellation=True, access_log=None, shutdown_timeout=0.1
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port, backlog=_BACKLOG, ssl_context=context).start()
        scheme = "https" if context else "http"
        sys.stdout.write(f"listening on {scheme}://127.0.0.1:{runner.addresses[0][1]}\n")
        sys.stdout.flush()
        await stop.wait()
    finally:
        await runner.cleanup()


def main() -> None:
    """Reads the command line and serves."""
    parser = argparse.ArgumentParser(prog="python -m tests.model_server", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one (default)")
    parser.add_argument(
        "--until-stdin-closes", action="store_true", help="stop when the standard input ends"
    )
    parser.add_argument(
        "--tls", type=Path, metavar="FOLDER", help="where fullchain.pem and privkey.pem are"
    )
    arguments = parser.parse_args()
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(
            serve(
                arguments.port,
                until_stdin_closes=arguments.until_stdin_closes,
                tls=arguments.tls,
            )
        )


if __name__ == "__main__":
    main()
