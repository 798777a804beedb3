"""`codelab plugins`."""

from __future__ import annotations

import click

from codelab.plugins import Registration, load_plugins


@click.command()
def plugins() -> None:
    """Show the installed plugins, where they come from and what they bring."""
    for registration in load_plugins().registrations:
        click.echo(describe(registration))


def describe(registration: Registration) -> str:
    """Describe in a few lines what a plugin brings."""
    source = registration.source
    brings = {
        "agents": [agent.name for agent in registration.agents],
        "tools": [tool.name for tool in registration.tools],
        "models": [info.name for made in registration.providers for info in made.models],
        "listens to": [subscription.event for subscription in registration.subscriptions],
    }
    lines = [f"{source.name} ({source.distribution} {source.version})"]
    lines += [f"  {kind}: {', '.join(names)}" for kind, names in brings.items() if names]
    return "\n".join(lines)
