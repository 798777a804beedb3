"""A terminal whose program reads when it likes."""

from __future__ import annotations

import asyncio
import os
import tracemalloc
import tty

from codelab.workspace.terminals.pseudo_terminal import PseudoTerminal, Size


async def test_what_is_typed_waits_in_order_and_takes_no_more_room_than_its_bytes() -> None:
    terminal = PseudoTerminal(Size(), lambda data: None)
    program = os.open(terminal.place, os.O_RDWR | os.O_NOCTTY)
    try:
        tty.setraw(program)
        typed = bytes(range(256)) * 400
        terminal.write(typed)
        assert 0 < terminal.waiting_bytes < len(typed)
        tracemalloc.start()
        for _ in range(100_000):
            terminal.write(b"")
        assert tracemalloc.get_traced_memory()[1] < 100_000
        tracemalloc.stop()
        taken = b""
        while len(taken) < len(typed):
            taken += await asyncio.to_thread(os.read, program, 65_536)
        assert taken == typed
        assert terminal.waiting_bytes == 0
    finally:
        os.close(program)
        terminal.close()
