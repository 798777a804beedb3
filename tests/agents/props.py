"""Tools of these tests, as a third party could bring them."""

from __future__ import annotations

import asyncio

import msgspec

from codelab.sdk.tool import Category, Preparation, Risk, Tool, ToolContext, ToolResult


class Nothing(msgspec.Struct, frozen=True, kw_only=True):
    """No parameters."""


class Explode(Tool[Nothing]):
    """Fails in a way that its author did not think of."""

    name = "explode"
    description = "Explode."
    parameters = Nothing

    async def execute(self, context: ToolContext, parameters: Nothing) -> ToolResult:
        raise ZeroDivisionError("the author's own words")


class Pause(Tool[Nothing]):
    """Runs until the test lets it go on, and counts how often it was started."""

    description = "Wait."
    parameters = Nothing

    def __init__(self) -> None:
        self.started = 0
        self.running = asyncio.Event()
        self.release = asyncio.Event()

    async def execute(self, context: ToolContext, parameters: Nothing) -> ToolResult:
        self.started += 1
        self.running.set()
        await self.release.wait()
        return ToolResult(output="waited")


class Look(Pause):
    """May be repeated."""

    name = "look"


class Push(Pause):
    """Must not be repeated, and nobody is asked."""

    name = "push"
    category = Category.RUN
    repeatable = False


class Launch(Pause):
    """Must not be repeated; a human is asked."""

    name = "launch"
    category = Category.RUN
    risk = Risk.CRITICAL
    protected = True
    repeatable = False
    boxed = True

    async def prepare(self, context: ToolContext, parameters: Nothing) -> Preparation:
        return Preparation(preview="launch", state="ready")


class Ponder(Pause):
    """Takes its time to find out what it would do."""

    name = "ponder"

    async def prepare(self, context: ToolContext, parameters: Nothing) -> Preparation:
        self.running.set()
        await self.release.wait()
        return Preparation()


class Escalate(Pause):
    """Asks nobody, but for a call that turns out to be worse than its others."""

    name = "escalate"
    category = Category.RUN

    async def prepare(self, context: ToolContext, parameters: Nothing) -> Preparation:
        return Preparation(preview="worse", state="worse", risk=Risk.CRITICAL)


class Props:
    """One of each, to hand to a server."""

    def __init__(self) -> None:
        self.explode, self.look, self.push, self.launch = Explode(), Look(), Push(), Launch()
        self.ponder, self.escalate = Ponder(), Escalate()

    def all(self) -> tuple[Tool[Nothing], ...]:
        """Return all of them."""
        return (self.explode, self.look, self.push, self.launch, self.ponder, self.escalate)
