"""What a tool is: parameters, a risk, a preparation that says what will happen, an execution."""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from typing import Any, ClassVar, Generic, TypeVar

import msgspec

from codelab.kit.errors import CodeLabError
from codelab.sdk.facts import CallFacts
from codelab.sdk.retrieval import CodeSearch
from codelab.sdk.workspace import OnOutput, Workspace

P = TypeVar("P", bound=msgspec.Struct)


class Risk(enum.StrEnum):
    """How much harm a tool can do."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Category(enum.StrEnum):
    """What a tool does to the world; agents are granted tools by category or by name."""

    READ = "read"
    WRITE = "write"
    RUN = "run"
    CONTROL = "control"


class ToolError(CodeLabError):
    """A tool could not do what it was asked; the text tells the model what it may mend."""

    code = "tool_failed"
    title = "The tool could not do it"
    status = 422


class ToolContext(msgspec.Struct, frozen=True, kw_only=True):
    """Where a tool runs.

    Args:
        workspace: The project folder of the session.
        session_id: The session.
        user_id: The human on whose behalf the tool runs.
        user_name: Their name, for what is signed (a commit's author).
        agent: The agent that asks.
        on_output: Takes output while it comes; shown to the user, not to the model.
        approved_state: The state that the preparation saw and a human may have approved; a tool
            that changes something changes that and nothing newer. None before the execution.
        read_only: Whether commands may not write into the project, because the agent may not.
        code: Finds code in it; none where nothing is indexed.
    """

    workspace: Workspace
    session_id: str
    user_id: str
    user_name: str
    agent: str
    on_output: OnOutput
    approved_state: str | None = None
    read_only: bool = False
    code: CodeSearch | None = None


class Preparation(msgspec.Struct, frozen=True, kw_only=True):
    """What exactly would happen.

    Args:
        preview: What a human needs to judge it: a unified diff, the exact command line.
        state: A digest of what would be touched, as it is now; another one makes the approval
            stale.
        risk: How much harm this very call can do, where it is more than its tool usually does;
            then a human is asked even if a rule allows the tool.
        facts: The same as data, for clients that lay it out.
    """

    preview: str = ""
    state: str = ""
    risk: Risk | None = None
    facts: CallFacts = CallFacts()


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """The text of a file before and after a call, for a review of each change by itself.

    Args:
        path: The file.
        before: Its text now; empty where there is no file.
        state: The digest of its bytes now; empty where there is no file.
        after: What the call would make of it.
    """

    path: str
    before: str
    state: str
    after: str


class ToolResult(msgspec.Struct, frozen=True, kw_only=True):
    """What the model is told; `ok` is false when the tool ran and the outcome is a failure."""

    output: str
    ok: bool = True
    truncated: bool = False


class Tool(ABC, Generic[P]):
    """The contract of a tool.

    Class attributes: `name` in snake_case; `description` for the model; `parameters`, a frozen
    msgspec Struct whose fields carry descriptions (`Annotated[str, Meta(description=…)]`);
    `protected` says whether a human is asked by default; `repeatable` whether running it twice
    does no harm, so that it may be run again after a crash; `boxed` whether it runs programs in
    the workspace's box, so that approvals name what keeps them there.
    """

    name: ClassVar[str]
    description: ClassVar[str]
    parameters: ClassVar[type[msgspec.Struct]]
    category: ClassVar[Category] = Category.READ
    risk: ClassVar[Risk] = Risk.LOW
    protected: ClassVar[bool] = False
    repeatable: ClassVar[bool] = True
    boxed: ClassVar[bool] = False

    def paths(self, parameters: P) -> tuple[str, ...]:
        """Name the paths that the call would touch, for grants and policy."""
        return ()

    def command(self, parameters: P) -> str | None:
        """Name the shell command that the call would run, for policy; none for other tools."""
        return None

    async def prepare(self, context: ToolContext, parameters: P) -> Preparation:
        """Check the call and say what it would do, without doing it.

        Raises:
            ToolError: The call cannot work; the text says what to mend.
        """
        return Preparation()

    async def propose(self, context: ToolContext, parameters: P) -> Proposal | None:
        """Return the whole text before and after, if the call writes one file; else none.

        Raises:
            ToolError: The call does not fit the file as it is now.
        """
        return None

    def rewritten(self, parameters: P, proposal: Proposal, text: str) -> dict[str, Any] | None:
        """Return the parameters by which the call makes exactly this text of what is there now.

        None where the tool writes no file, or cannot write this.
        """
        return None

    @abstractmethod
    async def execute(self, context: ToolContext, parameters: P) -> ToolResult:
        """Do it.

        Raises:
            ToolError: It could not be done; nothing is half-done.
        """
