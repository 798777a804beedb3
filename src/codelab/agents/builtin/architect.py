"""The architect: structure, patterns and decisions, written down as Markdown and diagrams."""

from __future__ import annotations

from codelab.agents.builtin.prompt_files import prompt
from codelab.sdk import Agent, Category, ModelRole, ToolGrant

_DOCUMENTS = ("*.md", "*.mdx", "*.mmd", "*.mermaid", "*.puml", "*.plantuml", "*.dot", "*.d2")

ARCHITECT = Agent(
    name="architect",
    title="Architect",
    description="Designs structure and weighs alternatives; writes documents and diagrams only.",
    prompt=prompt("architect"),
    grants=(
        ToolGrant(category=Category.READ),
        ToolGrant(name="write_file", paths=_DOCUMENTS),
        ToolGrant(name="edit_file", paths=_DOCUMENTS),
    ),
    model=ModelRole.REASONING,
    delegates_to=("ask",),
    triggers=(
        r"\b(architect\w*|design|structure|pattern|layer\w*|module boundar\w*|diagram|adr|"
        r"trade-?offs?|scalab\w+|decouple)\b",
        r"\b(архитектур|структур|паттерн|шаблон проектирования|проектир|спроектир|диаграмм|"
        r"слои|слоёв|модульн|масштабир)\w*",
    ),
)
