"""Requests for approval and users' own rules over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, Router, delete, get, post, put
from litestar.params import JSONBody, PathParameter, QueryParameter
from msgspec import Meta

from codelab.auth.api import Principal
from codelab.hitl.approval import ApprovalRecord
from codelab.hitl.policy import Decision, Rule
from codelab.hitl.rulebook import Rulebook, Scope, StoredRule
from codelab.hitl.service import Hitl
from codelab.sdk.facts import CallFacts
from codelab.sessions.events import ApprovalStatus, Question

OwnRequest = Request[Principal, Any, Any]
ApprovalId = Annotated[str, PathParameter()]
Status = Annotated[ApprovalStatus | None, QueryParameter()]
Id = Annotated[str | None, QueryParameter(max_length=32)]
PageSize = Annotated[int, QueryParameter(ge=1, le=200)]
Feedback = Annotated[str, Meta(max_length=10_000)]
RuleId = Annotated[str, PathParameter()]
Pattern = Annotated[str, Meta(min_length=1, max_length=300)]
Patterns = Annotated[tuple[Pattern, ...], Meta(max_length=20)]
# One bad character in a text would otherwise be a failure of the database.
ScopeId = Annotated[str, Meta(min_length=1, max_length=32, pattern="^[0-9A-Za-z-]+$")]


class Approve(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A yes; with parameters the call runs with these instead.

    Args:
        always: Whether the same call may run without asking for the rest of the session.
        feedback: What the agent is told with the result.
    """

    parameters: dict[str, Any] | None = None
    always: bool = False
    feedback: Feedback = ""


class Reject(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A no, with what the agent should know."""

    feedback: Feedback = ""


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a request.

    Args:
        by: A user's name, `policy`, `deadline` or `cancellation`.
        parameters: The parameters that the human edited, if they did.
        edit_diff: What they changed by that, as the agent is told.
    """

    by: str
    feedback: str
    parameters: dict[str, Any] | None
    edit_diff: str
    response_time_ms: int


class ApprovalRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request for approval as its user sees it.

    Args:
        question: `run`: whether the call may run. `retry`: it was found started after a crash, and
            nobody knows its outcome; a yes runs it again, a no leaves it at that.
        reason: Why the policy has a human asked; empty where the tool asks by default.
        facts: What to judge it by, as data.
    """

    id: str
    session_id: str
    call_id: str
    agent: str
    tool: str
    question: Question
    reason: str
    parameters: dict[str, Any]
    risk: str
    preview: str
    facts: CallFacts
    digest: str
    status: ApprovalStatus
    created_at: datetime
    expires_at: datetime
    responded_at: datetime | None
    response: Response | None


def router(hitl: Hitl) -> Router:
    """Make the routes."""

    @get("/")
    async def list_requests(
        request: OwnRequest,
        status: Status = None,
        session_id: Id = None,
        before: Id = None,
        limit: PageSize = 100,
    ) -> list[ApprovalRequest]:
        """List the user's requests for approval, newest first."""
        records = await hitl.list_for(
            request.user, status=status, session_id=session_id, before=before, limit=limit
        )
        return [_shown(record) for record in records]

    @get("/{approval_id:str}")
    async def get_request(request: OwnRequest, approval_id: ApprovalId) -> ApprovalRequest:
        """Return one request for approval."""
        return _shown(await hitl.get(request.user, approval_id))

    @put("/{approval_id:str}/approve")
    async def approve(
        request: OwnRequest, approval_id: ApprovalId, data: JSONBody[Approve | None] = None
    ) -> ApprovalRequest:
        """Approve the call as it was shown, or with edited parameters."""
        wanted = data or Approve()
        return _shown(
            await hitl.answer(
                request.user,
                approval_id,
                True,
                wanted.parameters,
                wanted.feedback,
                always=wanted.always,
            )
        )

    @put("/{approval_id:str}/reject")
    async def reject(
        request: OwnRequest, approval_id: ApprovalId, data: JSONBody[Reject | None] = None
    ) -> ApprovalRequest:
        """Reject the call; the feedback goes to the agent."""
        feedback = data.feedback if data else ""
        return _shown(await hitl.answer(request.user, approval_id, False, feedback=feedback))

    return Router(
        path="/hitl/requests",
        route_handlers=[list_requests, get_request, approve, reject],
        tags=["Approvals"],
    )


def _shown(record: ApprovalRecord) -> ApprovalRequest:
    response = None
    if record.responded_by is not None:
        response = Response(
            by=record.responded_by,
            feedback=record.feedback,
            parameters=record.edited_parameters,
            edit_diff=record.edit_diff,
            response_time_ms=record.response_time_ms or 0,
        )
    return ApprovalRequest(
        id=record.id,
        session_id=record.session_id,
        call_id=record.call_id,
        agent=record.agent,
        tool=record.tool,
        question=record.question,
        reason=record.reason or "",
        parameters=record.parameters,
        risk=record.risk,
        preview=record.preview,
        facts=record.facts,
        digest=record.digest,
        status=record.status,
        created_at=record.created_at,
        expires_at=record.expires_at,
        responded_at=record.responded_at,
        response=response,
    )


class NewRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule for one workspace or one session; its fields mean what the policy file's do."""

    decision: Decision
    workspace_id: ScopeId | None = None
    session_id: ScopeId | None = None
    tool: Annotated[str, Meta(min_length=1, max_length=200)] = "*"
    paths: Patterns = ()
    commands: Patterns = ()
    reason: Annotated[str, Meta(max_length=500)] = ""


class OwnRule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule of the user's.

    Args:
        approval_id: The answer that it was given with, if it was.
        hits: How often it has decided about a call.
        last_used_at: When it did so last.
    """

    id: str
    workspace_id: str | None
    session_id: str | None
    decision: Decision
    tool: str
    paths: tuple[str, ...]
    commands: tuple[str, ...]
    reason: str
    created_at: datetime
    approval_id: str | None
    hits: int
    last_used_at: datetime | None


class ServerRule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that the server's administrator made for everybody."""

    decision: Decision
    tool: str
    paths: tuple[str, ...]
    commands: tuple[str, ...]
    reason: str


class ServerPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """The server's rules, and the name of the file that they come from; empty without one."""

    file: str
    rules: tuple[ServerRule, ...]


def rule_router(rules: Rulebook) -> Router:
    """Make the routes of a user's own rules."""

    @get("/")
    async def list_rules(
        request: OwnRequest, workspace_id: Id = None, session_id: Id = None
    ) -> list[OwnRule]:
        """List the user's rules, of a workspace, of a session or all, oldest first."""
        if workspace_id is None and session_id is None:
            found = await rules.list_all(request.user)
        else:
            scope = Scope(workspace_id=workspace_id, session_id=session_id)
            found = await rules.list_for(request.user, scope)
        return [_shown_rule(stored) for stored in found]

    @post("/")
    async def add_rule(request: OwnRequest, data: JSONBody[NewRule]) -> OwnRule:
        """Make a rule; it holds for the user's own agents, from their next call on."""
        scope = Scope(workspace_id=data.workspace_id, session_id=data.session_id)
        rule = Rule(
            decision=data.decision,
            tool=data.tool,
            paths=data.paths,
            commands=data.commands,
            reason=data.reason,
        )
        return _shown_rule(await rules.add(request.user, scope, rule))

    @get("/server")
    async def list_server_rules(request: OwnRequest) -> ServerPolicy:
        """Return the rules of the server's policy file: they hold besides everybody's own."""
        return ServerPolicy(
            file=rules.file_name,
            rules=tuple(
                ServerRule(
                    decision=rule.decision,
                    tool=rule.tool,
                    paths=rule.paths,
                    commands=rule.commands,
                    reason=rule.reason,
                )
                for rule in rules.of_server()
            ),
        )

    @delete("/{rule_id:str}")
    async def revoke_rule(request: OwnRequest, rule_id: RuleId) -> None:
        """Take a rule back."""
        await rules.revoke(request.user, rule_id)

    return Router(
        path="/hitl/rules",
        route_handlers=[list_rules, add_rule, list_server_rules, revoke_rule],
        tags=["Approvals"],
    )


def _shown_rule(stored: StoredRule) -> OwnRule:
    return OwnRule(
        id=stored.id,
        workspace_id=stored.scope.workspace_id,
        session_id=stored.scope.session_id,
        decision=stored.rule.decision,
        tool=stored.rule.tool,
        paths=stored.rule.paths,
        commands=stored.rule.commands,
        reason=stored.rule.reason,
        created_at=stored.created_at,
        approval_id=stored.approval_id,
        hits=stored.hits,
        last_used_at=stored.last_used_at,
    )
