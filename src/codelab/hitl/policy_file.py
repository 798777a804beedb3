"""Reads an administrator's rules from a TOML file."""

from __future__ import annotations

from pathlib import Path

import msgspec

from codelab.hitl.errors import PolicyInvalid
from codelab.hitl.policy import Policy, Rule


def read_rules(path: Path) -> tuple[Rule, ...]:
    """Read a file of `[[rules]]` tables, each with the fields of a rule.

    Raises:
        PolicyInvalid: The file cannot be read or a rule is wrong; says which and why.
    """
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Policy).rules
    except OSError as error:
        raise PolicyInvalid(f"The policy file {path.name} cannot be read.") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise PolicyInvalid(f"The policy file {path.name} is not right: {error}.") from error
