"""Where in a YAML file a field stands, so that a complaint can name its line."""

from __future__ import annotations

import re
from collections.abc import Mapping

import yaml

Path = tuple[str | int, ...]


class DuplicateKey(yaml.MarkedYAMLError):
    """A map has a key twice, of which YAML's reader would keep the last without a word."""


_STEP = re.compile(r"\[(\d+)\]|([^.\[\]]+)")


def lines_of(text: str) -> dict[Path, int]:
    """Map the path of every field to its line, counted from 1.

    Raises:
        DuplicateKey: A map has a key twice.
        yaml.YAMLError: The text is not YAML.
    """
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    found: dict[Path, int] = {}
    if root is not None:
        _note(root, (), root.start_mark.line + 1, found)
    return found


def line_at(path: Path, lines: Mapping[Path, int]) -> int | None:
    """Return the line of a field, or that of the nearest part around it that the file has."""
    for length in range(len(path), -1, -1):
        if (line := lines.get(path[:length])) is not None:
            return line
    return None


def parse_path(written: str) -> Path:
    """Read a path such as `model_list[1].litellm_params.model`."""
    return tuple(int(index) if index else name for index, name in _STEP.findall(written))


def _note(node: yaml.Node, path: Path, line: int, found: dict[Path, int]) -> None:
    found[path] = line
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                problem = f"the key {key.value!r} stands twice in one map"
                raise DuplicateKey(problem=problem, problem_mark=key.start_mark)
            if isinstance(key, yaml.ScalarNode):
                seen.add(key.value)
            if isinstance(key, yaml.ScalarNode) and not _leads_back(value, node):
                _note(value, (*path, key.value), key.start_mark.line + 1, found)
    elif isinstance(node, yaml.SequenceNode):
        for place, value in enumerate(node.value):
            if not _leads_back(value, node):
                _note(value, (*path, place), value.start_mark.line + 1, found)


def _leads_back(value: yaml.Node, node: yaml.Node) -> bool:
    """Tell whether a part stands before its whole: an anchor's reuse, which could go round."""
    if isinstance(value, yaml.ScalarNode):
        return False
    return bool(value.start_mark.index <= node.start_mark.index)
