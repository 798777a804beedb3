"""Reads the built-in prompts, which are data files beside this one."""

from __future__ import annotations

from importlib.resources import files


def prompt(name: str) -> str:
    """Return an agent's own prompt followed by what all built-in agents share."""
    folder = files("codelab.agents.builtin.prompts")
    own = (folder / f"{name}.md").read_text("utf-8")
    shared = (folder / "shared.md").read_text("utf-8")
    return f"{own.strip()}\n\n{shared.strip()}\n"
