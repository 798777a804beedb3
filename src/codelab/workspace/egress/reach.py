"""What one box is given to reach the network with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from codelab.workspace.egress.destinations import Network
from codelab.workspace.egress.gateway import proxied

NETWORK_LAYER = "bubblewrap"
"""The layer whose boxes can have network: it gives each one of its own, with a door for us."""


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """What one box may reach, and what it needs for that.

    Args:
        network: The destinations; none: no network at all.
        variables: What its environment holds besides, secrets among it.
        covers: Files of the workspace, and what is seen in their place.
    """

    network: Network | None = None
    variables: Mapping[str, str] = {}
    covers: tuple[tuple[Path, Path], ...] = ()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"


NOWHERE = Reach()
"""No network."""


def reach_of(network: Network, layer: str) -> Reach:
    """Return what a box needs for a network; where none is named or possible, nothing.

    Args:
        network: What is named.
        layer: The layer that builds the box.
    """
    if not network.destinations.entries or layer != NETWORK_LAYER:
        return NOWHERE
    return Reach(network=network, variables=proxied(network.destinations))


def network_shown(network: Network, layer: str) -> str:
    """Say in words what a box of this layer may reach."""
    if not network.destinations.entries:
        return "none"
    if layer != NETWORK_LAYER:
        return f"none (only boxes of {NETWORK_LAYER} can have it)"
    return ", ".join(network.destinations.listed())
