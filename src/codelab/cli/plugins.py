"""`codelab plugins`."""

from __future__ import annotations

import click

from codelab.gateway.administration import PluginInfo
from codelab.plugins import load_plugins


@click.command()
def plugins() -> None:
    """Show the installed plugins, where they come from and what they bring."""
    for plugin in load_plugins().inventory():
        click.echo(describe(plugin))


def describe(plugin: PluginInfo) -> str:
    """Describe in a few lines what a plugin brings."""
    brings = {
        "agents": plugin.agents,
        "tools": plugin.tools,
        "models": plugin.models,
        "listens to": plugin.events,
    }
    lines = [f"{plugin.name} ({plugin.distribution} {plugin.version})"]
    lines += [f"  {kind}: {', '.join(names)}" for kind, names in brings.items() if names]
    return "\n".join(lines)
