"""The plugin manager: built-in plugins, entry points of the group `codelab`, and what they bring.

Everything wrong with a plugin is found here, at start-up, and named with its distribution.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import msgspec
import pluggy

from codelab import __version__
from codelab.agents.builtin import plugin as builtin_agents
from codelab.auth import events as auth_events
from codelab.gateway.administration import PluginInfo
from codelab.hitl import events as hitl_events
from codelab.kit.bus import Bus
from codelab.kit.errors import CodeLabError
from codelab.kit.events import Event
from codelab.llm import events as llm_events
from codelab.retrieval import events as retrieval_events
from codelab.sdk import Agent, ModelProvider, Subscription, Tool, hookspecs
from codelab.sessions import events as session_events
from codelab.tools import events as tool_events
from codelab.tools.builtin import plugin as builtin_tools
from codelab.workspace import events as workspace_events

_EVENT_MODULES = (
    auth_events,
    workspace_events,
    session_events,
    llm_events,
    hitl_events,
    tool_events,
    retrieval_events,
)


class PluginBroken(CodeLabError):
    """A plugin cannot be used as it is; the message names its distribution."""

    code = "plugin_broken"
    title = "A plugin cannot be used"


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A plugin and where it came from.

    Args:
        name: The plugin's name, unique on this server.
        distribution: The installed distribution's name.
        version: The distribution's version.
        plugin: The module or object with the hooks.
    """

    name: str
    distribution: str
    version: str
    plugin: Any


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """What one plugin registered."""

    source: Source
    agents: tuple[Agent, ...]
    tools: tuple[Tool[Any], ...]
    providers: tuple[ModelProvider, ...]
    subscriptions: tuple[Subscription, ...]


class Plugins(msgspec.Struct, frozen=True):
    """Every plugin's contributions, in the order of registration."""

    registrations: tuple[Registration, ...]

    @property
    def agents(self) -> tuple[Agent, ...]:
        """Return all agents."""
        return tuple(agent for each in self.registrations for agent in each.agents)

    @property
    def tools(self) -> tuple[Tool[Any], ...]:
        """Return all tools."""
        return tuple(tool for each in self.registrations for tool in each.tools)

    @property
    def providers(self) -> tuple[ModelProvider, ...]:
        """Return all models that plugins run themselves."""
        return tuple(provider for each in self.registrations for provider in each.providers)

    def inventory(self) -> list[PluginInfo]:
        """Describe every plugin: where it comes from, and the names of what it brings."""
        return [
            PluginInfo(
                name=each.source.name,
                distribution=each.source.distribution,
                version=each.source.version,
                agents=tuple(agent.name for agent in each.agents),
                tools=tuple(tool.name for tool in each.tools),
                models=tuple(info.name for made in each.providers for info in made.models),
                events=tuple(subscription.event for subscription in each.subscriptions),
            )
            for each in self.registrations
        ]

    def subscribe(self, bus: Bus) -> None:
        """Subscribe what the plugins want to be told to the bus."""
        events = known_events()
        for registration in self.registrations:
            for subscription in registration.subscriptions:
                bus.subscribe(events[subscription.event], subscription.handler)


def known_events() -> Mapping[str, type[Event]]:
    """Return the events that plugins may subscribe to, by name."""
    return {
        name: kind
        for module in _EVENT_MODULES
        for name, kind in vars(module).items()
        if isinstance(kind, type) and issubclass(kind, Event) and kind.__module__ == module.__name__
    }


def load_plugins(extra: Iterable[tuple[str, object]] = ()) -> Plugins:
    """Load the built-in plugins, the given ones and the installed ones.

    Args:
        extra: Names and objects of further plugins that are part of CodeLab.

    Raises:
        PluginBroken: One of them cannot be used.
    """
    own = [("builtin-tools", builtin_tools), ("builtin-agents", builtin_agents), *extra]
    return assemble(
        [
            *(
                Source(name=name, distribution="codelab", version=__version__, plugin=plugin)
                for name, plugin in own
            ),
            *(_load(entry) for entry in sorted(entry_points(group=hookspecs.PROJECT))),
        ]
    )


def assemble(sources: Sequence[Source]) -> Plugins:
    """Register the plugins and collect what they bring.

    Raises:
        PluginBroken: A hook is misspelled, a hook failed, or a name is taken twice.
    """
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    for source in sources:
        _register(manager, source)
    registrations = tuple(_collect(manager, source) for source in sources)
    _refuse_duplicates(registrations)
    return Plugins(registrations)


def _register(manager: pluggy.PluginManager, source: Source) -> None:
    if manager.has_plugin(source.name):
        raise _broken(source, "has a name that another plugin has already taken")
    try:
        manager.register(source.plugin, source.name)
        manager.check_pending()
    except (ValueError, pluggy.PluginValidationError) as error:
        raise _broken(source, f"cannot be registered: {error}") from error
    if not manager.get_hookcallers(source.plugin):
        raise _broken(source, "has no hooks: mark them with codelab.sdk.hookimpl")


def _load(entry: EntryPoint) -> Source:
    distribution = entry.dist
    source = Source(
        name=entry.name,
        distribution=distribution.name if distribution else "an unknown distribution",
        version=distribution.version if distribution else "",
        plugin=None,
    )
    try:
        return msgspec.structs.replace(source, plugin=entry.load())
    except Exception as error:
        raise _broken(source, f"cannot be imported: {_describe(error)}") from error


def _collect(manager: pluggy.PluginManager, source: Source) -> Registration:
    others = [plugin for plugin in manager.get_plugins() if plugin is not source.plugin]

    def ask(hook: str, kind: Any) -> tuple[Any, ...]:
        try:
            answers = manager.subset_hook_caller(hook, remove_plugins=others)()
            found = tuple(item for answer in answers for item in answer)
        except Exception as error:
            raise _broken(source, f"failed in {hook}: {_describe(error)}") from error
        for item in found:
            if not isinstance(item, kind):
                raise _broken(
                    source, f"returned {item!r} from {hook}, which is no {kind.__name__} object"
                )
        return found

    registration = Registration(
        source=source,
        agents=ask("register_agents", Agent),
        tools=ask("register_tools", Tool),
        providers=ask("register_model_clients", ModelProvider),
        subscriptions=ask("register_subscribers", Subscription),
    )
    unknown = {each.event for each in registration.subscriptions} - known_events().keys()
    if unknown:
        raise _broken(
            source, f"subscribes to an event that does not exist: {', '.join(sorted(unknown))}"
        )
    return registration


def _refuse_duplicates(registrations: Sequence[Registration]) -> None:
    kinds: tuple[tuple[str, Callable[[Registration], Iterable[str]]], ...] = (
        ("agent", lambda each: (agent.name for agent in each.agents)),
        ("tool", lambda each: (tool.name for tool in each.tools)),
        ("model", lambda each: (info.name for made in each.providers for info in made.models)),
    )
    for kind, names in kinds:
        owners: dict[str, Source] = {}
        for registration in registrations:
            for name in names(registration):
                if name in owners:
                    raise _broken(
                        registration.source,
                        f"brings the {kind} {name!r}, a name that "
                        f"{_title(owners[name])} has already taken",
                    )
                owners[name] = registration.source


def _title(source: Source) -> str:
    return f"the plugin {source.name!r} of {source.distribution} {source.version}".rstrip()


def _broken(source: Source, what: str) -> PluginBroken:
    title = _title(source)
    return PluginBroken(
        f"{title[0].upper()}{title[1:]} {what}. Mend or uninstall {source.distribution}."
    )


def _describe(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
