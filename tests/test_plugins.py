"""The plugin manager: what plugins bring is collected, what is wrong with them is named."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from codelab.kit.bus import Bus
from codelab.plugins import (
    PluginBroken,
    Plugins,
    Source,
    assemble,
    known_events,
    load_plugins,
)
from codelab.sdk import (
    Agent,
    ModelInfo,
    ModelProvider,
    Subscription,
    Tool,
    ToolContext,
    ToolResult,
    hookimpl,
    hookspecs,
)
from codelab.workspace.events import WorkspaceDeleted


class Greeting(msgspec.Struct, frozen=True):
    """No parameters."""


class Greet(Tool[Greeting]):
    name = "greet"
    description = "Greets."
    parameters = Greeting

    async def execute(self, context: ToolContext, parameters: Greeting) -> ToolResult:
        return ToolResult(output="Hello.")


GREETER = Agent(name="greeter", title="Greeter", description="Greets.", prompt="Greet.")
MODEL = ModelProvider(client=SimpleNamespace(), models=(ModelInfo(name="m", provider="p"),))


class Complete:
    """A plugin that uses every hook."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    @hookimpl
    def register_agents(self) -> Sequence[Agent]:
        return (GREETER,)

    @hookimpl
    def register_tools(self) -> Sequence[Tool[Any]]:
        return (Greet(),)

    @hookimpl
    def register_model_clients(self) -> Sequence[ModelProvider]:
        return (MODEL,)

    @hookimpl
    def register_subscribers(self) -> Sequence[Subscription]:
        return (Subscription(event="WorkspaceDeleted", handler=self.heard.append),)


def source(plugin: object, name: str = "greet") -> Source:
    return Source(name=name, distribution="codelab-greet", version="1.2", plugin=plugin)


def plugin_with(hook: str, answer: Any) -> object:
    def implementation(self: object) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    implementation.__name__ = hook
    return type("Made", (), {hook: hookimpl(implementation)})()


def test_everything_a_plugin_brings_is_collected() -> None:
    plugins = assemble([source(Complete())])
    assert plugins.agents == (GREETER,)
    assert [tool.name for tool in plugins.tools] == ["greet"]
    assert plugins.providers == (MODEL,)
    assert [registration.source.name for registration in plugins.registrations] == ["greet"]


def test_subscribers_hear_their_event_and_no_other() -> None:
    plugin, bus = Complete(), Bus()
    assemble([source(plugin)]).subscribe(bus)
    event = WorkspaceDeleted(workspace_id="w", user_id="u")
    bus.publish(event)
    bus.publish(known_events()["UserSignedIn"](user_id="u", name="ann", family_id="f"))
    assert plugin.heard == [event]


def test_each_plugins_share_is_its_own() -> None:
    other = msgspec.structs.replace(GREETER, name="other")
    plugins = assemble([source(Complete()), source(plugin_with("register_agents", [other]), "two")])
    assert [each.agents for each in plugins.registrations] == [(GREETER,), (other,)]


@pytest.mark.parametrize(
    ("hook", "answer", "complaint"),
    [
        ("register_tool", [], "unknown hook 'register_tool'"),
        ("register_tools", [Greet], "no Tool object"),
        ("register_tools", 5, "failed in register_tools: TypeError"),
        ("register_agents", ["coder"], "returned 'coder' from register_agents"),
        ("register_agents", OSError("disk"), "failed in register_agents: OSError: disk"),
        (
            "register_subscribers",
            [Subscription(event="TurnStartd", handler=print)],
            "subscribes to an event that does not exist: TurnStartd",
        ),
    ],
)
def test_a_mistake_is_named_with_its_distribution(hook: str, answer: Any, complaint: str) -> None:
    with pytest.raises(PluginBroken) as caught:
        assemble([source(plugin_with(hook, answer))])
    assert complaint in caught.value.message
    assert "codelab-greet 1.2" in caught.value.message


def test_a_plugin_without_marked_hooks_is_a_mistake() -> None:
    with pytest.raises(PluginBroken, match="hookimpl"):
        assemble([source(SimpleNamespace(register_tools=lambda: [Greet()]))])


def test_a_plugins_name_is_taken_once() -> None:
    with pytest.raises(PluginBroken, match="name that another plugin has already taken"):
        assemble([source(Complete()), source(Complete())])


@pytest.mark.parametrize(
    ("hook", "answer", "what"),
    [
        ("register_agents", [GREETER], "agent 'greeter'"),
        ("register_tools", [Greet()], "tool 'greet'"),
        ("register_model_clients", [MODEL], "model 'm'"),
    ],
)
def test_a_name_that_is_taken_is_refused_with_both_owners(
    hook: str, answer: Any, what: str
) -> None:
    second = Source(
        name="copy", distribution="codelab-copy", version="3", plugin=plugin_with(hook, answer)
    )
    with pytest.raises(PluginBroken) as caught:
        assemble([source(Complete()), second])
    assert what in caught.value.message
    assert "codelab-copy 3" in caught.value.message
    assert "codelab-greet 1.2" in caught.value.message


@pytest.fixture
def distribution(tmp_path: Path) -> Iterator[Path]:
    """An installed distribution `codelab-thirdparty` whose entry point names `thirdparty`."""
    info = tmp_path / "codelab_thirdparty-4.5.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: codelab-thirdparty\nVersion: 4.5\n"
    )
    (info / "entry_points.txt").write_text("[codelab]\nthird = thirdparty\n")
    sys.path.insert(0, str(tmp_path))
    try:
        yield tmp_path / "thirdparty.py"
    finally:
        sys.path.remove(str(tmp_path))
        sys.modules.pop("thirdparty", None)


def third_party(plugins: Plugins) -> list[Source]:
    return [
        each.source
        for each in plugins.registrations
        if each.source.distribution == "codelab-thirdparty"
    ]


def test_an_installed_distribution_is_found(distribution: Path) -> None:
    distribution.write_text(
        "from codelab.sdk import hookimpl\n@hookimpl\ndef register_tools():\n    return ()\n"
    )
    assert [(each.name, each.version) for each in third_party(load_plugins())] == [("third", "4.5")]


def test_an_installed_plugin_that_cannot_be_imported_is_named(distribution: Path) -> None:
    distribution.write_text("import a_library_that_nobody_has\n")
    with pytest.raises(PluginBroken) as caught:
        load_plugins()
    assert "codelab-thirdparty 4.5 cannot be imported" in caught.value.message
    assert "a_library_that_nobody_has" in caught.value.message


def test_the_built_in_agents_and_tools_come_through_the_same_hooks() -> None:
    plugins = load_plugins()
    assert {"orchestrator", "coder", "architect", "debug", "ask"} <= {
        agent.name for agent in plugins.agents
    }
    assert {"read_file", "write_file", "execute_command", "git_commit"} <= {
        tool.name for tool in plugins.tools
    }


def test_further_plugins_of_our_own_are_registered_like_others() -> None:
    plugins = load_plugins([("complete", Complete())])
    assert GREETER in plugins.agents


def test_every_hook_says_what_it_is_for() -> None:
    hooks = [name for name in vars(hookspecs) if name.startswith("register_")]
    assert len(hooks) == 4
    assert all(getattr(hookspecs, name).__doc__ for name in hooks)


def test_no_two_events_share_a_name() -> None:
    kinds = list(known_events().values())
    assert len({kind.__name__ for kind in kinds}) == len(kinds)
    assert {
        "UserSignedIn",
        "TurnClosed",
        "ModelCalled",
        "ApprovalRequested",
    } <= known_events().keys()
