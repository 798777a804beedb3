"""A model's arguments: checked field by field, so that it can mend all at once; pure."""

from __future__ import annotations

import hashlib
from difflib import get_close_matches
from typing import Any

import msgspec

from codelab.tools.errors import FieldError, ToolArgumentsInvalid

_LONGEST = 4_000_000
_MOST_ERRORS = 20


def decode(tool: str, arguments: str, parameters: type[msgspec.Struct]) -> msgspec.Struct:
    """Turn JSON text into the tool's parameters.

    Args:
        tool: The tool's name, for the error.
        arguments: What the model wrote; nothing stands for an empty object.
        parameters: The Struct to make.

    Raises:
        ToolArgumentsInvalid: Names each field that is wrong.
    """
    if len(arguments) > _LONGEST:
        raise ToolArgumentsInvalid(tool, [FieldError("", "too long")])
    try:
        decoded = msgspec.json.decode(arguments.strip() or "{}")
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise ToolArgumentsInvalid(tool, [FieldError("", f"not valid JSON: {error}")]) from None
    if not isinstance(decoded, dict):
        raise ToolArgumentsInvalid(tool, [FieldError("", "must be a JSON object")])
    return convert(tool, decoded, parameters)


def convert(tool: str, values: dict[str, Any], parameters: type[msgspec.Struct]) -> msgspec.Struct:
    """Turn decoded JSON into the tool's parameters.

    Raises:
        ToolArgumentsInvalid: Names each field that is wrong.
    """
    if errors := _errors(values, parameters):
        raise ToolArgumentsInvalid(tool, errors[:_MOST_ERRORS])
    try:
        return msgspec.convert(values, parameters, strict=True)
    except (msgspec.ValidationError, RecursionError) as error:
        raise ToolArgumentsInvalid(tool, [FieldError("", str(error))]) from None


def canonical(parameters: msgspec.Struct) -> bytes:
    """Return the effective parameters, defaults included, in one form only."""
    return msgspec.json.encode(msgspec.to_builtins(parameters), order="sorted")


def digest(tool: str, parameters: bytes, state: str) -> str:
    """Return what an approval is bound to: the call and what it would touch.

    Args:
        tool: The tool's name.
        parameters: The canonical parameters.
        state: The state of what would be touched.
    """
    # Each part is hashed on its own, so that no text can pretend to be the next part.
    parts = (tool.encode(), parameters, state.encode())
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def schema(parameters: type[msgspec.Struct]) -> dict[str, Any]:
    """Return the JSON Schema for a model: everything inlined, no other properties allowed."""
    (root,), components = msgspec.json.schema_components([parameters])
    inlined: dict[str, Any] = _inlined(root, components)
    inlined.pop("title", None)
    inlined.pop("description", None)
    return inlined


def _errors(values: dict[str, Any], parameters: type[msgspec.Struct]) -> list[FieldError]:
    fields = {field.encode_name: field for field in msgspec.structs.fields(parameters)}
    errors = [FieldError(name, "missing") for name in fields if _lacks(values, fields[name])]
    for name, value in values.items():
        if name not in fields:
            near = get_close_matches(name, fields, n=1)
            hint = f", did you mean {near[0]}?" if near else ""
            errors.append(FieldError(name[:100], f"unknown field{hint}"))
            continue
        try:
            msgspec.convert(value, fields[name].type, strict=True)
        except (msgspec.ValidationError, RecursionError) as error:
            errors.append(FieldError(name, str(error)))
    return errors


def _lacks(values: dict[str, Any], field: msgspec.structs.FieldInfo) -> bool:
    return field.required and field.encode_name not in values


def _inlined(node: Any, components: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_inlined(item, components) for item in node]
    if not isinstance(node, dict):
        return node
    if reference := node.get("$ref"):
        return _inlined(components[reference.rsplit("/", 1)[-1]], components)
    result = {key: _inlined(value, components) for key, value in node.items()}
    if result.get("type") == "object" and "properties" in result:
        result["additionalProperties"] = False
    return result
