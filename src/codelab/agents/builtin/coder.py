"""The coder: writes and changes code."""

from __future__ import annotations

from codelab.agents.builtin.prompt_files import prompt
from codelab.sdk import Agent, ModelRole, ToolGrant

CODER = Agent(
    name="coder",
    title="Coder",
    description="Writes and changes code in the project's own style, runs its tests and commits.",
    prompt=prompt("coder"),
    grants=(ToolGrant(),),
    model=ModelRole.CODING,
    delegates_to=("ask", "debug", "architect"),
    plans=True,
    triggers=(
        r"\b(write|create|add|implement|build|generate|refactor|rename|rewrite|extend|remove|"
        r"replace|port|migrate|change|update|edit|delete)\b",
        r"\b(напиши|создай|добавь|реализуй|сделай|сгенерируй|перепиши|переименуй|расширь|удали|"
        r"замени|измени|обнови|отрефактори|дополни|допиши|напишите|создайте|добавьте)\w*",
    ),
)
