"""Which events are recorded, and as what."""

from __future__ import annotations

from functools import singledispatch

import msgspec

from codelab.audit.entry import Detail, Observation
from codelab.auth import events as auth
from codelab.hitl import events as hitl
from codelab.kit.events import Event
from codelab.llm import events as llm
from codelab.sessions import events as sessions
from codelab.tools import events as tools
from codelab.workspace import events as workspace

_AUTH_ACTIONS: dict[type[auth.AuthEvent], str] = {
    auth.UserSignedIn: "auth.signed_in",
    auth.SignInFailed: "auth.sign_in_failed",
    auth.UserSignedOut: "auth.signed_out",
    auth.RefreshTokenReused: "auth.refresh_token_reused",
    auth.UserCreated: "auth.user_created",
    auth.RoleChanged: "auth.role_changed",
    auth.UserDisabled: "auth.user_disabled",
    auth.UserEnabled: "auth.user_enabled",
    auth.PasswordChanged: "auth.password_changed",
    auth.UserDeleted: "auth.user_deleted",
    auth.ApiTokenCreated: "auth.api_token_created",
    auth.ApiTokenDeleted: "auth.api_token_deleted",
}

_MODEL_ACTIONS: dict[type[llm.AddedModelEvent], str] = {
    llm.ModelAdded: "model.added",
    llm.ModelChanged: "model.changed",
    llm.ModelRemoved: "model.removed",
}

OBSERVED: tuple[type[Event], ...] = (
    auth.AuthEvent,
    workspace.WorkspaceCreated,
    workspace.WorkspaceDeleted,
    workspace.TerminalOpened,
    workspace.TerminalClosed,
    workspace.FileWritten,
    workspace.FileDeleted,
    workspace.FileMoved,
    workspace.FolderCreated,
    workspace.FolderDeleted,
    workspace.RepositoryChanged,
    sessions.TurnStarted,
    sessions.TurnClosed,
    sessions.FactsRecorded,
    hitl.ApprovalRequested,
    hitl.ApprovalResolved,
    hitl.PolicyApplied,
    hitl.ApprovalUsed,
    hitl.RuleAdded,
    hitl.RuleRevoked,
    tools.ToolExecuted,
    llm.ModelCalled,
    llm.ModelAdded,
    llm.ModelChanged,
    llm.ModelRemoved,
)


@singledispatch
def observe(event: Event) -> list[Observation]:
    """Say what an event means for the record."""
    raise TypeError(f"{type(event).__name__} is not recorded")


@observe.register
def _(event: auth.AuthEvent) -> list[Observation]:
    fields: dict[str, Detail] = msgspec.structs.asdict(event)
    by = fields.get("by")
    told = ("name", "role", "reason", "family_id", "everywhere", "token_id")
    details = {name: value for name, value in fields.items() if name in told}
    return [
        Observation(
            action=_AUTH_ACTIONS[type(event)],
            resource_type="user",
            resource_id=event.user_id,
            user_id=str(by) if by else event.user_id,
            details=details,
            address=event.address,
        )
    ]


@observe.register
def _(event: workspace.WorkspaceCreated) -> list[Observation]:
    return [_of_workspace(event, "workspace.created", {"name": event.name})]


@observe.register
def _(event: workspace.WorkspaceDeleted) -> list[Observation]:
    return [_of_workspace(event, "workspace.deleted", {})]


@observe.register
def _(event: workspace.TerminalOpened) -> list[Observation]:
    return [_of_workspace(event, "terminal.opened", {"terminal_id": event.terminal_id})]


@observe.register
def _(event: workspace.TerminalClosed) -> list[Observation]:
    details: dict[str, Detail] = {
        "terminal_id": event.terminal_id,
        "reason": event.reason,
        "exit_code": event.exit_code,
        "duration_ms": event.duration_ms,
    }
    return [_of_workspace(event, "terminal.closed", details)]


@observe.register
def _(event: workspace.FileWritten) -> list[Observation]:
    details: dict[str, Detail] = {"path": event.path, "digest": event.digest}
    return [_of_workspace(event, "file.written", details)]


@observe.register
def _(event: workspace.FileDeleted) -> list[Observation]:
    return [_of_workspace(event, "file.deleted", {"path": event.path})]


@observe.register
def _(event: workspace.FileMoved) -> list[Observation]:
    details: dict[str, Detail] = {"path": event.path, "old_path": event.old_path}
    return [_of_workspace(event, "folder.moved" if event.is_folder else "file.moved", details)]


@observe.register
def _(event: workspace.FolderCreated) -> list[Observation]:
    return [_of_workspace(event, "folder.created", {"path": event.path})]


@observe.register
def _(event: workspace.FolderDeleted) -> list[Observation]:
    details: dict[str, Detail] = {"path": event.path, "files": event.files}
    return [_of_workspace(event, "folder.deleted", details)]


@observe.register
def _(event: workspace.RepositoryChanged) -> list[Observation]:
    details: dict[str, Detail] = {"target": event.target, "files": event.files}
    return [_of_workspace(event, f"git.{event.action}", details)]


@observe.register
def _(event: sessions.TurnStarted) -> list[Observation]:
    return [_of_turn(event, "turn.started", {})]


@observe.register
def _(event: sessions.TurnClosed) -> list[Observation]:
    details: dict[str, Detail] = {
        "agent": event.agent,
        "stop_reason": event.stop_reason,
        "duration_ms": event.duration_ms,
    }
    return [_of_turn(event, "turn.closed", details)]


@observe.register
def _(event: sessions.FactsRecorded) -> list[Observation]:
    found = []
    for entry in event.entries:
        fact, details = entry.fact, dict[str, Detail](turn_id=entry.turn_id)
        match fact:
            case sessions.ToolCallRequested():
                action = "tool_call.requested"
                details |= {
                    "agent": fact.agent,
                    "risk": fact.risk,
                    "approval_id": fact.approval_id,
                }
            case sessions.ToolCallCompleted():
                action = "tool_call.completed"
                details |= {"ok": fact.ok, "duration_ms": fact.duration_ms}
            case sessions.CheckpointRestored():
                found.append(_of_restoration(event, fact))
                continue
            case _:
                continue
        found.append(
            Observation(
                action=action,
                resource_type="tool_call",
                resource_id=fact.call_id,
                user_id=event.user_id,
                session_id=event.session_id,
                details={"tool": fact.tool, **details},
            )
        )
    return found


def _of_restoration(
    event: sessions.FactsRecorded, fact: sessions.CheckpointRestored
) -> Observation:
    return Observation(
        action="checkpoint.restored" if fact.checkpoint_id else "conversation.rewound",
        resource_type="checkpoint",
        resource_id=fact.checkpoint_id or fact.restoration_id,
        user_id=event.user_id,
        session_id=event.session_id,
        details={
            "restoration_id": fact.restoration_id,
            "conversation": fact.conversation,
            "files": len(fact.changes),
            "conflicts": len(fact.conflicts),
        },
        weighty=True,
    )


@observe.register
def _(event: hitl.ApprovalRequested) -> list[Observation]:
    return [_of_approval(event, "approval.requested", {"risk": event.risk, "digest": event.digest})]


@observe.register
def _(event: hitl.ApprovalResolved) -> list[Observation]:
    details: dict[str, Detail] = {
        "by": event.by,
        "status": event.status,
        "response_time_ms": event.response_time_ms,
        "digest": event.digest,
        "edited": event.edited,
    }
    return [_of_approval(event, f"approval.{_PARTICIPLES[event.status]}", details)]


@observe.register
def _(event: hitl.PolicyApplied) -> list[Observation]:
    # As the approval's own row has it: the policy decided, at once.
    details: dict[str, Detail] = {
        "by": "policy",
        "response_time_ms": 0,
        "decision": event.decision,
        "reason": event.reason,
        "digest": event.digest,
    }
    return [_of_approval(event, "policy.applied", details)]


@observe.register
def _(event: hitl.ApprovalUsed) -> list[Observation]:
    return [_of_approval(event, "approval.used", {"digest": event.digest})]


@observe.register
def _(event: hitl.RuleAdded) -> list[Observation]:
    details: dict[str, Detail] = {
        "decision": event.decision,
        "tool": event.tool,
        "approval_id": event.approval_id,
    }
    return [_of_rule(event, "rule.added", details)]


@observe.register
def _(event: hitl.RuleRevoked) -> list[Observation]:
    return [_of_rule(event, "rule.revoked", {})]


def _of_rule(event: hitl.RuleEvent, action: str, details: dict[str, Detail]) -> Observation:
    return Observation(
        action=action,
        resource_type="rule",
        resource_id=event.rule_id,
        user_id=event.user_id,
        session_id=event.session_id,
        details={"workspace_id": event.workspace_id, **details},
        weighty=True,
    )


@observe.register
def _(event: tools.ToolExecuted) -> list[Observation]:
    return [
        Observation(
            action="tool.executed",
            resource_type="tool_call",
            resource_id=event.call_id,
            user_id=event.user_id,
            session_id=event.session_id,
            details={
                "tool": event.tool,
                "agent": event.agent,
                "ok": event.ok,
                "duration_ms": event.duration_ms,
                "digest": event.digest,
            },
            weighty=True,
        )
    ]


@observe.register
def _(event: llm.ModelCalled) -> list[Observation]:
    if event.ok:
        return []
    return [
        Observation(
            action="model.failed",
            resource_type="model",
            resource_id=event.model,
            user_id=event.user_id,
            session_id=event.session_id,
            details={
                "turn_id": event.turn_id,
                "agent": event.agent,
                "provider": event.provider,
                "error_code": event.error_code,
                "duration_ms": event.duration_ms,
                "tried": event.tried,
            },
        )
    ]


@observe.register
def _(event: llm.AddedModelEvent) -> list[Observation]:
    return [
        Observation(
            action=_MODEL_ACTIONS[type(event)],
            resource_type="model",
            resource_id=event.name,
            user_id=event.by,
            weighty=True,
        )
    ]


_PARTICIPLES = {
    "pending": "reopened",
    "approved": "approved",
    "rejected": "rejected",
    "timeout": "timed_out",
}


def _of_workspace(
    event: workspace.WorkspaceEvent,
    action: str,
    details: dict[str, Detail],
) -> Observation:
    return Observation(
        action=action,
        resource_type="workspace",
        resource_id=event.workspace_id,
        user_id=event.user_id,
        details=details,
    )


def _of_turn(
    event: sessions.TurnStarted | sessions.TurnClosed, action: str, details: dict[str, Detail]
) -> Observation:
    return Observation(
        action=action,
        resource_type="turn",
        resource_id=event.turn_id,
        user_id=event.user_id,
        session_id=event.session_id,
        details=details,
    )


def _of_approval(event: hitl.ApprovalEvent, action: str, details: dict[str, Detail]) -> Observation:
    return Observation(
        action=action,
        resource_type="approval",
        resource_id=event.approval_id,
        user_id=event.user_id,
        session_id=event.session_id,
        details={
            "tool": event.tool,
            "agent": event.agent,
            "call_id": event.call_id,
            "turn_id": event.turn_id,
            **details,
        },
        weighty=True,
    )
