"""Routing: the clear cases by rules, in both languages, and the orchestrator for the rest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelab.agents.builtin.plugin import register_agents
from codelab.agents.routing import mentioned_agent, route

AGENTS = tuple(register_agents())
NAMES = {agent.name for agent in AGENTS}


@pytest.mark.parametrize(
    ("message", "agent"),
    [
        ("Add a --json flag to the list command", "coder"),
        ("Create a module for parsing dates", "coder"),
        ("write tests for utils.py", "coder"),
        ("Добавь проверку пустого списка", "coder"),
        ("Напиши функцию сортировки", "coder"),
        ("The import crashes with KeyError: 'id'", "debug"),
        ("login does not work since yesterday", "debug"),
        ("Why does this error happen?", "debug"),
        ("Тесты падают, исправь", "debug"),
        ("Ничего не работает", "debug"),
        ("How should we structure the project?", "architect"),
        ("Which pattern fits a plugin system?", "architect"),
        ("Предложи архитектуру для очереди", "architect"),
        ("What does main.py do?", "ask"),
        ("How do I add a user?", "ask"),
        ("Explain the retry loop", "ask"),
        ("Что делает эта функция?", "ask"),
        ("Объясни, зачем нужен кэш", "ask"),
        ("Add error handling to the parser", "coder"),
        ("Hello there", "orchestrator"),
        ("Add a login page and then document the architecture", "orchestrator"),
        ("Добавь поиск, а затем объясни структуру", "orchestrator"),
    ],
)
def test_words_decide_the_clear_cases(message: str, agent: str) -> None:
    assert route(message, AGENTS).agent == agent


def test_a_list_is_recognised_and_empty_lines_cost_nothing() -> None:
    """Pasted logs are full of them; each was once followed to the end of all of them."""
    blank = "\n" * 100_000
    assert route(f"Fix the design{blank}", AGENTS).agent != "orchestrator"
    assert route(f"Fix the design{blank} \t2. and tests", AGENTS).agent == "orchestrator"


def test_an_address_wins_over_everything() -> None:
    choice = route("@ask add a function", AGENTS, wanted="coder", session_agent="debug")
    assert choice.agent == "ask"


def test_an_unknown_address_is_only_text() -> None:
    assert route("@nobody add a function", AGENTS).agent == "coder"


def test_the_choice_of_the_message_wins_over_the_session() -> None:
    assert route("add x", AGENTS, wanted="ask", session_agent="debug").agent == "ask"
    assert route("add x", AGENTS, session_agent="debug").agent == "debug"


@pytest.mark.parametrize("message", ["yes", "ok, go ahead", "да, продолжай", "continue"])
def test_a_follow_up_stays_with_the_agent(message: str) -> None:
    assert route(message, AGENTS, previous="architect").agent == "architect"


def test_a_new_request_does_not_stay_with_the_agent() -> None:
    assert route("Add a flag for verbose output", AGENTS, previous="architect").agent == "coder"


@given(st.text(max_size=300), st.sampled_from([*sorted(NAMES), None, "nobody"]))
def test_every_message_gets_an_agent_and_a_reason(message: str, wanted: str | None) -> None:
    choice = route(message, AGENTS, wanted=wanted)
    assert choice.agent in NAMES
    assert choice.reason
    if wanted in NAMES and not mentioned_agent(message):
        assert choice.agent == wanted
