"""Each hook is documented, has a real user, and does what its description says."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from pathlib import Path

import pluggy
import pytest

from codelab.sdk import Agent, Subscription, hookimpl, hookspecs

ROOT = Path(__file__).parents[2]
HOOKS = sorted(
    name for name, value in vars(hookspecs).items() if hasattr(value, f"{hookspecs.PROJECT}_spec")
)


def manager() -> pluggy.PluginManager:
    plugins = pluggy.PluginManager(hookspecs.PROJECT)
    plugins.add_hookspecs(hookspecs)
    return plugins


def implementers(hook: str) -> list[Path]:
    sources = [*ROOT.glob("src/codelab/**/plugin.py"), *ROOT.glob("plugins/*/src/**/*.py")]
    marked = re.compile(rf"^@hookimpl\ndef {hook}\(", re.MULTILINE)
    return [path for path in sources if marked.search(path.read_text("utf-8"))]


def test_these_are_the_hooks() -> None:
    assert HOOKS == [
        "register_agents",
        "register_model_clients",
        "register_subscribers",
        "register_tools",
    ]


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_says_what_it_returns(hook: str) -> None:
    assert (inspect.getdoc(getattr(hookspecs, hook)) or "").startswith("Return ")


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_is_synchronous_and_takes_nothing(hook: str) -> None:
    function = getattr(hookspecs, hook)
    assert not inspect.iscoroutinefunction(function)
    assert not inspect.signature(function).parameters


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_has_a_real_user(hook: str) -> None:
    assert implementers(hook)


def test_every_plugins_answer_is_collected() -> None:
    class First:
        @hookimpl
        def register_subscribers(self) -> Sequence[Subscription]:
            return (Subscription(event="TurnClosed", handler=print),)

    class Second:
        @hookimpl
        def register_subscribers(self) -> Sequence[Subscription]:
            return (Subscription(event="UserCreated", handler=print),)

    plugins = manager()
    plugins.register(First())
    plugins.register(Second())
    answers = plugins.hook.register_subscribers()
    assert {each.event for answer in answers for each in answer} == {"TurnClosed", "UserCreated"}


def test_a_misspelled_hook_is_an_error() -> None:
    class Misspelled:
        @hookimpl
        def register_agent(self) -> Sequence[Agent]:
            return ()

    plugins = manager()
    plugins.register(Misspelled())
    with pytest.raises(pluggy.PluginValidationError, match="register_agent"):
        plugins.check_pending()
