"""The script of the tour: what it says next, from the conversation alone."""

from __future__ import annotations

import msgspec
import pytest

from codelab.demo.conversation import Exchange, Result
from codelab.demo.sample import BASKET, FILES, RIGHT, TEST_COMMAND, TESTS, WRONG
from codelab.demo.tour import next_answer
from codelab.tools.builtin.plugin import register_tools

CODER = frozenset(
    {"read_file", "list_files", "edit_file", "execute_command", "git_commit", "delegate"}
)
READ = Result("read_file", BASKET, FILES[BASKET], True)
EDITED = Result("edit_file", BASKET, "Edited.", True)
PASSED = Result("execute_command", "", "Ran 5 tests in 0.001s\n\nOK", True)
FAILED = Result("execute_command", "", "Ran 5 tests in 0.001s\n\nFAILED (failures=1)", False)
NO_SANDBOX = Result("execute_command", "", "Commands are off on this server.", False)
COMMITTED = Result("git_commit", "", "[main 1234567] done", True)


def turn(
    *results: Result, question: str = "Fix the bug", tools: frozenset[str] = CODER
) -> Exchange:
    return Exchange(question=question, tools=tools, results=results)


def asked(exchange: Exchange) -> list[str]:
    return [ask.tool for ask in next_answer(exchange).asks]


def test_it_fixes_the_bug_step_by_step() -> None:
    assert [ask.arguments["path"] for ask in next_answer(turn()).asks] == [TESTS, BASKET]
    edit = next_answer(turn(READ)).asks[0]
    assert (edit.tool, edit.arguments["path"]) == ("edit_file", BASKET)
    assert next_answer(turn(READ, EDITED)).asks[0].arguments == {"command": TEST_COMMAND}
    commit = next_answer(turn(READ, EDITED, PASSED)).asks[0]
    assert (commit.tool, commit.arguments["paths"]) == ("git_commit", [BASKET])
    last = next_answer(turn(READ, EDITED, PASSED, COMMITTED))
    assert "Done" in last.text and not last.asks


def test_a_refused_edit_stops_the_tour_and_says_why() -> None:
    refused = Result("edit_file", BASKET, "The user refused this and said: use a constant", False)
    answer = next_answer(turn(READ, refused))
    assert not answer.asks
    assert "use a constant" in answer.text


def test_a_refused_command_stops_the_tour() -> None:
    refused = Result("execute_command", "", "The user refused this.", False)
    answer = next_answer(turn(READ, EDITED, refused))
    assert not answer.asks
    assert "refused" in answer.text


def test_without_a_sandbox_it_says_so_and_goes_on_untested() -> None:
    answer = next_answer(turn(READ, EDITED, NO_SANDBOX))
    assert "Commands are off" in answer.text
    assert [ask.tool for ask in answer.asks] == ["git_commit"]


def test_failing_tests_are_not_committed() -> None:
    assert asked(turn(READ, EDITED, FAILED)) == []


def test_a_refused_commit_is_not_called_done() -> None:
    refused = Result("git_commit", "", "The user refused this.", False)
    assert "Done" not in next_answer(turn(READ, EDITED, PASSED, refused)).text


def test_a_fixed_sample_is_not_fixed_again() -> None:
    fixed = Result("read_file", BASKET, FILES[BASKET].replace(WRONG, RIGHT), True)
    answer = next_answer(turn(fixed))
    assert not answer.asks
    assert "already fixed" in answer.text


def test_another_project_is_refused_honestly() -> None:
    missing = Result("read_file", BASKET, "There is no such file.", False)
    answer = next_answer(turn(missing))
    assert not answer.asks
    assert "There is no such file." in answer.text


def test_an_agent_that_may_not_write_hands_over() -> None:
    debug = frozenset({"read_file", "execute_command", "delegate"})
    handed = next_answer(turn(READ, tools=debug)).asks
    assert [(ask.tool, ask.arguments["agent"]) for ask in handed] == [("delegate", "coder")]
    report = Result("delegate", "", "It is mended.", True)
    answer = next_answer(turn(READ, report, tools=debug))
    assert "It is mended." in answer.text and not answer.asks


def test_an_agent_that_plans_shows_its_plan() -> None:
    orchestrator = frozenset({"read_file", "delegate", "update_plan"})
    plan, handed = next_answer(turn(READ, tools=orchestrator)).asks
    assert plan.tool == "update_plan"
    assert handed.arguments["step"] in [step["id"] for step in plan.arguments["steps"]]


def test_an_agent_that_may_do_neither_names_the_one_who_may() -> None:
    answer = next_answer(turn(READ, tools=frozenset({"read_file"})))
    assert "@coder" in answer.text and not answer.asks


def test_explaining_reads_first_and_finds_the_bug() -> None:
    question = "@ask What does this project do?"
    assert asked(turn(question=question)) == ["list_files", "read_file", "read_file"]
    assert "quantity > BULK_QUANTITY" in next_answer(turn(READ, question=question)).text


@pytest.mark.parametrize(
    ("result", "said"), [(PASSED, "pass"), (FAILED, "fail"), (NO_SANDBOX, "Commands are off")]
)
def test_running_the_tests_reports_their_outcome(result: Result, said: str) -> None:
    question = "@coder run the tests"
    assert asked(turn(question=question)) == ["execute_command"]
    assert said in next_answer(turn(result, question=question)).text


def test_what_it_asks_for_is_what_the_tools_take() -> None:
    parameters = {tool.name: tool.parameters for tool in register_tools()}
    turns = (
        turn(),
        turn(READ),
        turn(READ, EDITED),
        turn(READ, EDITED, PASSED),
        turn(question="What is this?"),
    )
    asks = [ask for exchange in turns for ask in next_answer(exchange).asks]
    assert {ask.tool for ask in asks} == CODER - {"delegate"}
    for ask in asks:
        kind = parameters[ask.tool]
        assert set(ask.arguments) <= set(kind.__struct_fields__)
        msgspec.convert(ask.arguments, kind)


@pytest.mark.parametrize("question", ["Write me a poem", "Напиши стихи", ""])
def test_what_it_cannot_do_it_says(question: str) -> None:
    answer = next_answer(turn(question=question))
    assert not answer.asks
    assert "codelab models" in answer.text


@pytest.mark.parametrize(
    ("question", "mark"),
    [("Fix the bug", "no AI"), ("Исправь ошибку", "не ИИ"), ("Что это?", "не ИИ"), ("x", "no AI")],
)
def test_every_answer_says_that_it_is_scripted_in_the_language_of_the_question(
    question: str, mark: str
) -> None:
    steps = ((), (READ,), (READ, EDITED), (READ, EDITED, PASSED), (READ, EDITED, PASSED, COMMITTED))
    for results in steps:
        assert mark in next_answer(turn(*results, question=question)).text
