"""A user's own rules over HTTP: listed, made and revoked, for a workspace or a session."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, Router, delete, get, post
from litestar.params import JSONBody, PathParameter, QueryParameter
from msgspec import Meta

from codelab.auth.api import Principal
from codelab.hitl.policy import Decision, Rule
from codelab.hitl.rulebook import Rulebook, Scope, StoredRule

OwnRequest = Request[Principal, Any, Any]
RuleId = Annotated[str, PathParameter()]
Id = Annotated[str | None, QueryParameter(max_length=32)]
Pattern = Annotated[str, Meta(min_length=1, max_length=300)]
Patterns = Annotated[tuple[Pattern, ...], Meta(max_length=20)]
# One bad character in a text would otherwise be a failure of the database.
ScopeId = Annotated[str, Meta(min_length=1, max_length=32, pattern="^[0-9A-Za-z-]+$")]


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


def router(rules: Rulebook) -> Router:
    """Make the routes."""

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
        return [_shown(stored) for stored in found]

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
        return _shown(await rules.add(request.user, scope, rule))

    @delete("/{rule_id:str}")
    async def revoke_rule(request: OwnRequest, rule_id: RuleId) -> None:
        """Take a rule back."""
        await rules.revoke(request.user, rule_id)

    return Router(
        path="/hitl/rules",
        route_handlers=[list_rules, add_rule, revoke_rule],
        tags=["Approvals"],
    )


def _shown(stored: StoredRule) -> OwnRule:
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
    )
