"""Which agent takes a message: a pure decision by rules, the orchestrator where they are silent."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from functools import lru_cache

import msgspec

from codelab.agents.registry import ORCHESTRATOR
from codelab.sdk.agent import Agent

_MENTION = re.compile(r"^\s*@([a-z][a-z0-9_-]*)\b[\s,:]*", re.IGNORECASE)
_COMPOUND = re.compile(
    r"\b(and then|then|afterwards|as well as|after that|and also)\b|;|\n[^\S\n]*+(?:\d+[.)]|[-*])\s"
    r"|\b(а затем|затем|потом|после этого|а также|и ещё|и еще)\b",
    re.IGNORECASE,
)
_FOLLOW_UP = re.compile(
    r"^\s*(yes|yep|ok(ay)?|sure|go (on|ahead)|continue|do it|please do|no|again|retry|"
    r"да|ага|ок|хорошо|давай|продолжай|дальше|сделай( это)?|нет|ещё раз|еще раз)\b[\s.!,]*",
    re.IGNORECASE,
)
_FOLLOW_UP_CHARACTERS = 60


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """The chosen agent, and why, in words for the user."""

    agent: str
    reason: str


def route(
    text: str,
    agents: Iterable[Agent],
    *,
    wanted: str | None = None,
    session_agent: str | None = None,
    previous: str | None = None,
) -> Choice:
    """Choose the agent for a message.

    Args:
        text: The user's message.
        agents: The agents there are.
        wanted: The agent chosen with this message.
        session_agent: The agent chosen for the whole session.
        previous: The agent of the session's last turn.
    """
    by_name = {agent.name: agent for agent in agents}
    mention = mentioned_agent(text)
    if mention in by_name:
        return Choice(agent=mention, reason=f"You addressed @{mention}.")
    if wanted in by_name:
        return Choice(agent=wanted, reason=f"You chose {wanted}.")
    if session_agent in by_name:
        return Choice(agent=session_agent, reason=f"This session is set to {session_agent}.")
    if previous in by_name and _is_follow_up(text):
        return Choice(agent=previous, reason=f"This goes on with what {previous} was doing.")
    return _by_words(text, by_name)


def mentioned_agent(text: str) -> str:
    """Return the name after an `@` at the beginning of a message, or an empty string."""
    match = _MENTION.match(text)
    return match[1].lower() if match else ""


def unaddressed(text: str, names: Container[str]) -> str:
    """Return a message without the agent that it begins with, if that is one of these."""
    return _MENTION.sub("", text, count=1) if mentioned_agent(text) in names else text


def _is_follow_up(text: str) -> bool:
    return len(text) <= _FOLLOW_UP_CHARACTERS and _FOLLOW_UP.match(text) is not None


def _by_words(text: str, by_name: dict[str, Agent]) -> Choice:
    # The earliest word decides; of those that begin at one place, the longest.
    found = sorted(
        (match.start(), -len(match[0]), name, match[0])
        for name, agent in by_name.items()
        for match in _matches(text, agent.triggers)
    )
    names = list(dict.fromkeys(name for _, _, name, _ in found))
    if not names:
        return _orchestrated(by_name, "No simple rule fits this message.")
    if len(names) > 1 and _COMPOUND.search(text):
        return _orchestrated(by_name, f"This looks like work for {' and '.join(names)}.")
    _, _, name, word = next(match for match in found if not by_name[match[2]].yields(names))
    return Choice(agent=name, reason=f"“{word.strip()}” is what {name} is for.")


def _orchestrated(by_name: dict[str, Agent], why: str) -> Choice:
    name = ORCHESTRATOR if ORCHESTRATOR in by_name else next(iter(by_name))
    return Choice(agent=name, reason=f"{why} The {name} decides.")


def _matches(text: str, triggers: tuple[str, ...]) -> list[re.Match[str]]:
    matches = (_compiled(trigger).search(text) for trigger in triggers)
    return [match for match in matches if match is not None]


@lru_cache(maxsize=1000)
def _compiled(trigger: str) -> re.Pattern[str]:
    return re.compile(trigger, re.IGNORECASE)
