"""What the administrator's settings open."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from codelab.workspace.egress.credentials import read_credentials
from codelab.workspace.egress.destinations import Destinations, Network, parse_destinations

_COMMANDS, _REMOTES = "CODELAB_SANDBOX_NETWORK", "CODELAB_GIT_REMOTES"


class Networks(msgspec.Struct, frozen=True):
    """The settings.

    Args:
        commands: What commands may reach.
        remotes: Where remote repositories may be, each of which a human approves besides.
        credentials_file: Where the passwords for them are kept.
    """

    commands: Network = Network(Destinations(), _COMMANDS)
    remotes: Network = Network(Destinations(), _REMOTES)
    credentials_file: Path | None = None


def read_networks(
    commands: Sequence[str], remotes: Sequence[str], credentials_file: str
) -> Networks:
    """Read the settings and look at the file once, so that a mistake shows at the start.

    Raises:
        InvalidInput: A destination is none.
        CredentialsInvalid: The file cannot be used.
    """
    file = Path(credentials_file).resolve() if credentials_file else None
    if file:
        read_credentials(file)
    return Networks(
        Network(parse_destinations(commands, _COMMANDS), _COMMANDS),
        Network(parse_destinations(remotes, _REMOTES), _REMOTES),
        file,
    )
