"""The debugger: finds root causes; it runs things and changes nothing."""

from __future__ import annotations

from codelab.agents.builtin.prompt_files import prompt
from codelab.sdk import Agent, Category, ModelRole, ToolGrant

DEBUG = Agent(
    name="debug",
    title="Debugger",
    description="Finds the root cause of an error by evidence and hands the fix to the coder.",
    prompt=prompt("debug"),
    grants=(
        ToolGrant(category=Category.READ),
        ToolGrant(name="execute_command"),
    ),
    model=ModelRole.BALANCED,
    delegates_to=("coder", "ask"),
    triggers=(
        r"\b(errors?|bugs?|debug|fix|fails?|failing|failed|crash\w*|broken|exceptions?|traceback|"
        r"stack ?trace|regression|hangs?|wrong result)\b|does(n'?t| not) work|not working",
        r"\b(ошибк|баг|отлад|исправ|почини|пада|сломал|исключени|трейс|зависа|вылета)\w*"
        r"|не работает|не запускается|не проходит",
    ),
)
