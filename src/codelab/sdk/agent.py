"""What an agent is: duties, a prompt, the tools it is granted and the kind of model it needs."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from fnmatch import fnmatchcase

import msgspec

from codelab.sdk.tool import Category


class ModelRole(enum.StrEnum):
    """Which strength an agent needs; `models.yaml` maps each to a model."""

    REASONING = "reasoning"
    CODING = "coding"
    BALANCED = "balanced"
    FAST = "fast"


class ToolGrant(msgspec.Struct, frozen=True, kw_only=True):
    """A permission to use tools.

    Args:
        name: A tool's name, or `*`.
        category: Only tools of this category.
        paths: Patterns of the paths that may be touched; empty: any. A pattern without a slash
            matches the file's name.
    """

    name: str = "*"
    category: Category | None = None
    paths: tuple[str, ...] = ()

    def covers(self, tool: str, category: Category) -> bool:
        """Tell whether the grant speaks of this tool."""
        return self.name in ("*", tool) and self.category in (None, category)

    def covers_path(self, path: str) -> bool:
        """Tell whether the grant lets this path be touched."""
        if not self.paths:
            return True
        name = path.rsplit("/", 1)[-1]
        return any(fnmatchcase(path if "/" in pattern else name, pattern) for pattern in self.paths)


class Agent(msgspec.Struct, frozen=True, kw_only=True):
    """A specialised agent.

    Args:
        name: The name users write after `@`.
        title: A short name for people.
        description: One line: what it does and when to choose it; other agents read it too.
        prompt: The system prompt: duties, workflow, tools, worked examples.
        grants: What it may use; whatever is not granted is refused by the tool gate.
        model: The kind of model it needs.
        delegates_to: The agents it may hand sub-tasks to; `*` for any, empty for none.
        plans: Whether it may keep a plan of steps.
        triggers: Words that make routing choose it at no cost, as regular expressions.
        yields_to: Agents that take a message whose words are theirs too; `!name` is an exception
            to `*`, which means all.
    """

    name: str
    title: str
    description: str
    prompt: str
    grants: tuple[ToolGrant, ...] = ()
    model: ModelRole = ModelRole.BALANCED
    delegates_to: tuple[str, ...] = ()
    plans: bool = False
    triggers: tuple[str, ...] = ()
    yields_to: tuple[str, ...] = ()

    def may_use(self, tool: str, category: Category, paths: tuple[str, ...] = ()) -> bool:
        """Tell whether this agent may use the tool on these paths."""
        grants = [grant for grant in self.grants if grant.covers(tool, category)]
        if not paths:
            return bool(grants)
        return all(any(grant.covers_path(path) for grant in grants) for path in paths)

    def yields(self, others: Iterable[str]) -> bool:
        """Tell whether one of the other agents takes precedence in routing."""
        return any(
            other != self.name
            and f"!{other}" not in self.yields_to
            and ("*" in self.yields_to or other in self.yields_to)
            for other in others
        )

    def may_delegate_to(self, agent: str) -> bool:
        """Tell whether this agent may hand a sub-task to the other one."""
        return agent != self.name and ("*" in self.delegates_to or agent in self.delegates_to)
