"""Run beside installed plugins: prints which agent would take each message."""

from __future__ import annotations

import sys

from codelab.agents.routing import route
from codelab.plugins import load_plugins

if __name__ == "__main__":
    agents = load_plugins().agents
    for message in sys.argv[1:]:
        sys.stdout.write(f"{route(message, agents).agent}\n")
