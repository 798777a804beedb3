"""A call whose parameters a human has edited, prepared again as its agent would have."""

from __future__ import annotations

from typing import Any

import msgspec

from codelab.agents.live import Services
from codelab.hitl.api import ApprovalRecord, EditedCall, Subject
from codelab.sdk.messages import ToolCall
from codelab.sdk.tool import ToolContext
from codelab.workspace.api import Workspaces


async def prepare_edited(
    services: Services, workspaces: Workspaces, approval: ApprovalRecord, edited: dict[str, Any]
) -> EditedCall:
    """Check the edited call with the rights of the agent that asked.

    Raises:
        CodeLabError: The call cannot work, or the agent may not make it.
    """
    workspace_id, user_name = await services.turns.origin_of(approval.session_id, approval.turn_id)
    agent = services.agents.get(approval.agent)
    context = ToolContext(
        workspace=await workspaces.open(workspace_id),
        session_id=approval.session_id,
        user_id=approval.user_id,
        user_name=user_name,
        agent=approval.agent,
        on_output=lambda text: None,
        read_only=not services.tools.may_write(agent),
    )
    call = ToolCall(
        id=approval.call_id,
        name=approval.tool,
        arguments=msgspec.json.encode(edited).decode(),
    )
    prepared = await services.tools.prepare(call, agent, context, approval.turn_id)
    return EditedCall(
        parameters=msgspec.json.decode(prepared.call.parameters),
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
    )
