"""A call whose parameters a human has edited, prepared again as its agent would have."""

from __future__ import annotations

from typing import Any

import msgspec

from codelab.agents.live import Services
from codelab.hitl.api import ApprovalRecord, EditedCall, Subject
from codelab.kit.errors import CodeLabError
from codelab.sdk.messages import ToolCall
from codelab.sdk.tool import Proposal, ToolContext
from codelab.tools.api import PreparedCall
from codelab.workspace.api import Workspaces, unified


async def prepare_edited(
    services: Services, workspaces: Workspaces, approval: ApprovalRecord, edited: dict[str, Any]
) -> EditedCall:
    """Check the edited call with the rights of the agent that asked.

    Raises:
        CodeLabError: The call cannot work, or the agent may not make it.
    """
    context = await context_of(services, workspaces, approval)
    prepared = await prepared_with(services, approval, context, edited)
    parameters = msgspec.json.decode(prepared.call.parameters)
    diff = ""
    if parameters != approval.parameters:
        diff = await _difference(services, approval, context, prepared, parameters)
    return EditedCall(
        parameters=parameters,
        digest=prepared.call.digest,
        preview=prepared.preview,
        subject=Subject(
            tool=prepared.tool.name,
            protected=prepared.protected,
            paths=prepared.paths,
            command=prepared.command,
            root=context.workspace.root(),
            raised=prepared.raised,
        ),
        diff=diff,
    )


async def context_of(
    services: Services, workspaces: Workspaces, approval: ApprovalRecord
) -> ToolContext:
    """Return where an approval's call would run."""
    workspace_id, user_name = await services.turns.origin_of(approval.session_id, approval.turn_id)
    return ToolContext(
        workspace=await workspaces.open(workspace_id),
        session_id=approval.session_id,
        user_id=approval.user_id,
        user_name=user_name,
        agent=approval.agent,
        on_output=lambda text: None,
        read_only=not services.tools.may_write(services.agents.get(approval.agent)),
    )


async def prepared_with(
    services: Services, approval: ApprovalRecord, context: ToolContext, parameters: dict[str, Any]
) -> PreparedCall:
    """Prepare an approval's call with other parameters, as its agent would.

    Raises:
        CodeLabError: The call cannot work, or the agent may not make it.
    """
    call = ToolCall(
        id=approval.call_id,
        name=approval.tool,
        arguments=msgspec.json.encode(parameters).decode(),
    )
    agent = services.agents.get(approval.agent)
    return await services.tools.prepare(call, agent, context, approval.turn_id)


async def _difference(
    services: Services,
    approval: ApprovalRecord,
    context: ToolContext,
    edited: PreparedCall,
    parameters: dict[str, Any],
) -> str:
    """Show what the human made of what the agent wanted: as text of the file where it is one."""
    ours = await services.tools.propose(edited, context)
    theirs = await _wanted(services, approval, context) if ours else None
    if ours and theirs and ours.path == theirs.path:
        return unified(theirs.after, ours.after, ours.path)
    names = dict.fromkeys((*approval.parameters, *parameters))
    changed = (name for name in names if approval.parameters.get(name) != parameters.get(name))
    return "\n".join(
        unified(_text(approval.parameters.get(name)), _text(parameters.get(name)), name)
        for name in changed
    )


async def _wanted(
    services: Services, approval: ApprovalRecord, context: ToolContext
) -> Proposal | None:
    try:
        wanted = await prepared_with(services, approval, context, approval.parameters)
        return await services.tools.propose(wanted, context)
    except CodeLabError:
        # It does not fit the file any more, or would change nothing.
        return None


def _text(value: object) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else msgspec.json.format(msgspec.json.encode(value))
    return text if isinstance(text, str) else text.decode()
