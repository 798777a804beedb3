"""What git must not overwrite: work that is in no commit, and files that agents may not touch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from codelab.sdk import ToolContext, ToolError
from codelab.sdk.errors import CodeLabError, Forbidden
from codelab.tools.builtin.git.asking import Standing, listed_names, unknown_among


async def refuse_overwriting(
    context: ToolContext, now: Standing, changed: Mapping[str, str]
) -> None:
    """Refuse to change files that hold what is not committed.

    Args:
        context: Where.
        now: The repository.
        changed: The files that would change, with git's letter for how.

    Raises:
        ToolError: It names the files.
    """
    at_risk = [file.name for file in now.files if file.name in changed]
    added = [name for name, how in changed.items() if how == "A"]
    at_risk += await unknown_among(context, added)
    if at_risk:
        raise ToolError(
            "No file was changed: these hold changes that are not committed and would be "
            f"overwritten. Commit or restore them first.\n{listed_names(at_risk)}"
        )


async def refuse_rules(context: ToolContext, names: Sequence[str]) -> None:
    """Refuse to change files that the agent may not change.

    Raises:
        ToolError: It names the files.
    """
    if refused := await refused_among(context, names):
        raise ToolError(f"Agents may not change these files:\n{listed_names(refused)}")


async def refused_among(context: ToolContext, names: Sequence[str]) -> list[str]:
    """Return those names that the agent's rules refuse, whether the files are there or not."""
    refused = []
    for name in names:
        try:
            await context.workspace.plan_delete(name)
        except Forbidden:
            refused.append(name)
        except CodeLabError:
            continue
    return refused
