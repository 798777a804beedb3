"""Run beside an installed codelab-review: wires it as the server does and reviews again.

Prints, for each way in which the first turn may end, whether the second review shows the file.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Literal

from codelab.kit.bus import Bus
from codelab.plugins import Plugins, load_plugins
from codelab.sdk import Usage
from codelab.sdk.testing import FolderWorkspace, ToolRunner
from codelab.sessions.events import TurnClosed
from codelab.tools.registry import Registry


async def shows_again(plugins: Plugins, reason: Literal["end", "cancelled"]) -> bool:
    """Review, end the turn, and review what is new."""
    bus = Bus()
    plugins.subscribe(bus)
    tools = Registry()
    tools.register(plugins.tools)
    with tempfile.TemporaryDirectory() as folder:
        workspace = FolderWorkspace(Path(folder))
        await workspace.commit()
        workspace.add("app.py", "x = 1\n")
        runner, tool = ToolRunner(workspace), tools.get("review_changes")
        await runner.run(tool, session_id=reason)
        bus.publish(
            TurnClosed(
                session_id=reason,
                turn_id="turn",
                user_id="user",
                agent="reviewer",
                stop_reason=reason,
                duration_ms=1,
                usage=Usage(),
            )
        )
        again = await runner.run(tool, {"only_new": True}, session_id=reason)
    return "x = 1" in again.output


async def main() -> None:
    """Print both."""
    plugins = load_plugins()
    for reason in ("cancelled", "end"):
        shown = await shows_again(plugins, reason)
        sys.stdout.write(f"{reason}: {'shown' if shown else 'left out'}\n")


if __name__ == "__main__":
    asyncio.run(main())
