"""Modules whose packages are extras: loaded when they are chosen, by those who have them."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import Any

from codelab.kit.errors import Unavailable


async def loaded(module: str, wanted: str, lack: type[Unavailable]) -> Any:
    """Load a module off the event loop.

    Args:
        module: Its dotted name.
        wanted: What is to be installed for it, as pip would be told.
        lack: What to raise where that is not there.
    """
    try:
        return await asyncio.to_thread(import_module, module)
    except ImportError as error:
        raise lack(f"A package is missing ({error.name}): install {wanted}.") from error
