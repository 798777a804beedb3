"""The reviewer: reads changes, cites lines, and changes nothing."""

from __future__ import annotations

from importlib.resources import files

from codelab.sdk import Agent, Category, ModelRole, ToolGrant

REVIEWER = Agent(
    name="reviewer",
    title="Reviewer",
    description="Reviews changes line by line and names what is wrong by severity; changes "
    "nothing.",
    prompt=(files("codelab_review") / "prompt.md").read_text("utf-8"),
    grants=(ToolGrant(category=Category.READ),),
    model=ModelRole.REASONING,
    triggers=(
        r"\b(code )?review\w*\b|\b(look over|go over|double-check) (my|the|these|this) "
        r"(change|diff|commit|code|branch|patch)\w*|\bcheck (my|the|these|this) "
        r"(changes?|diff|commits?|branch|patch)\b",
        # With its verb, so that the longest match is this one.
        r"\b((сделай|сделайте|проведи|проведите|напиши) )?"
        r"(код-?ревью|ревью|отревью\w*|проревью\w*|рецензи\w*)\b"
        r"|\b(проверь|проверьте|посмотри|посмотрите|просмотри) (мои |эти |последние )?"
        r"(изменени|правк|дифф|коммит|патч)\w*",
    ),
)
