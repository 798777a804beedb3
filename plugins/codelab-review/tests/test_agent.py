"""The reviewer: well declared, chosen by the right words, unable to change anything."""

from __future__ import annotations

import re

import pytest
from codelab_review.agent import REVIEWER
from codelab_review.journal import Journal
from codelab_review.tool import ReviewChanges

from codelab.sdk import Category
from codelab.sdk.messages import ToolMessage
from codelab.sdk.testing import (
    FolderWorkspace,
    ScriptedModel,
    ToolRunner,
    call,
    check_agent,
    converse,
    say,
)


def test_it_is_well_declared() -> None:
    check_agent(REVIEWER)


def is_triggered(text: str) -> bool:
    return any(re.search(trigger, text, re.IGNORECASE) for trigger in REVIEWER.triggers)


@pytest.mark.parametrize(
    "text",
    [
        "Review my changes",
        "Could you do a code review of this branch?",
        "please check my diff",
        "look over these commits",
        "Сделай ревью",
        "Проверь мои изменения, пожалуйста",
        "посмотри последние коммиты",
        "Нужно код-ревью ветки",
    ],
)
def test_these_words_are_for_it(text: str) -> None:
    assert is_triggered(text)


@pytest.mark.parametrize(
    "text",
    ["Add a preview pane", "Write a test", "Check my password rules", "Проверь, что с тестом"],
)
def test_these_words_are_not(text: str) -> None:
    assert not is_triggered(text)


@pytest.mark.parametrize("category", [Category.WRITE, Category.RUN, Category.CONTROL])
def test_it_may_only_read(category: Category) -> None:
    assert REVIEWER.may_use("review_changes", Category.READ)
    assert not REVIEWER.may_use("anything", category)
    assert not REVIEWER.may_delegate_to("coder")


async def test_it_reads_the_changes_and_reports(
    repository: FolderWorkspace, tool_runner: ToolRunner
) -> None:
    repository.add("app.py", "def total(prices):\n    return sum(prices) / 0\n")
    model = ScriptedModel(
        [
            say("I look at the changes.", call("review_changes"), call("write_file", {})),
            say("**blocker** `app.py:2`: always divides by zero."),
        ]
    )
    done = await converse(
        REVIEWER,
        "Review my changes",
        model=model,
        tools=[ReviewChanges(Journal())],
        runner=tool_runner,
    )
    reviewed, refused = (exchange.result for exchange in done.exchanges)
    assert reviewed.ok and "2 +     return sum(prices) / 0" in reviewed.output
    assert not refused.ok
    assert [spec.name for spec in model.requests[0].tools] == ["review_changes"]
    assert isinstance(model.requests[1].messages[-1], ToolMessage)
    assert "app.py:2" in done.answer
