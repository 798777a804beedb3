"""The explainer: answers questions about code and concepts; changes nothing."""

from __future__ import annotations

from codelab.agents.builtin.prompt_files import prompt
from codelab.sdk import Agent, Category, ModelRole, ToolGrant

ASK = Agent(
    name="ask",
    title="Ask",
    description="Explains code, documents and concepts; changes nothing.",
    prompt=prompt("ask"),
    grants=(ToolGrant(category=Category.READ),),
    model=ModelRole.FAST,
    triggers=(
        r"^\s*(what|how|why|where|when|which|who|is|are|does|do|can|could|should)\b"
        r"|\b(explain|describe|document(ation)?|summari[sz]e|tell me|show me|understand)\b",
        r"^\s*(что|как|почему|зачем|где|когда|какой|какая|какие|кто|можно ли|чем)\b"
        r"|\b(объясни|расскажи|опиши|покажи|поясни|документац|разъясни)\w*",
    ),
    yields_to=("*", "!coder"),
)
