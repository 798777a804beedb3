"""Settings as frozen Structs, read from text values; a complaint never shows the value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from codelab.kit.errors import CodeLabError

S = TypeVar("S", bound=msgspec.Struct)


class SettingsInvalid(CodeLabError):
    """A setting is unknown or has a value that cannot be used."""

    code = "settings_invalid"
    title = "A setting is wrong"


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of one module. They don't show their values, since some are secret."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"


def read_section(kind: type[S], values: Mapping[str, Any], *, prefix: str) -> S:
    """Read the settings of a section from all values.

    Args:
        kind: The section.
        values: The values by name, of other sections too.
        prefix: What stands in front of a name in the environment.

    Raises:
        SettingsInvalid: A value cannot be used; names which.
    """
    chosen = {}
    for field in msgspec.structs.fields(kind):
        if field.name not in values:
            continue
        value = values[field.name]
        if isinstance(value, str) and isinstance(field.default, tuple):
            value = [part.strip() for part in value.split(",") if part.strip()]
        elif value == "":
            # As compose files pass on what is not set.
            continue
        chosen[field.name] = value
    try:
        return msgspec.convert(chosen, kind, strict=False)
    except msgspec.ValidationError as error:
        name = re.split(r"\W", str(error).rpartition("$.")[2])[0]
        raise SettingsInvalid(_complaint(kind, name, prefix)) from None


def what_it_takes(kind: type[msgspec.Struct], name: str) -> str:
    """Say in words which values a setting takes."""
    _, components = msgspec.json.schema_components([kind])
    schema = components[kind.__name__]["properties"][name]
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    words = {
        "type": "{}",
        "exclusiveMinimum": "more than {}",
        "minimum": "at least {}",
        "maximum": "at most {}",
    }
    parts = [words[key].format(schema[key]) for key in words if key in schema]
    return ", ".join(parts).replace("array", "list").replace("string", "text")


def _complaint(kind: type[msgspec.Struct], name: str, prefix: str) -> str:
    # The value itself may be a secret, so it is not shown.
    _, components = msgspec.json.schema_components([kind])
    about = components[kind.__name__]["properties"][name]["description"]
    return (
        f"{prefix}{name.upper()} has a value that cannot be used: it takes "
        f"{what_it_takes(kind, name)}. {about}"
    )
