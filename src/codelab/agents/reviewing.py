"""Requests for approval of a changed file, reviewed as text: what it was, what it would be."""

from __future__ import annotations

import msgspec

from codelab.agents.edits import context_of, prepare_edited, prepared_with
from codelab.agents.live import Services
from codelab.auth.api import Principal
from codelab.hitl.api import ApprovalRecord
from codelab.hitl.errors import ApprovalStale
from codelab.kit.errors import CodeLabError, InvalidInput, Unavailable
from codelab.sdk.tool import Proposal, ToolContext
from codelab.tools.api import PreparedCall
from codelab.workspace.api import Workspaces


class NotReviewable(InvalidInput):
    """The call writes no file, or cannot write this text."""

    code = "not_reviewable"
    title = "This cannot be reviewed as text"


class ReviewedFile(msgspec.Struct, frozen=True, kw_only=True):
    """The whole text of a file before and after a call.

    Args:
        before: Its text now; empty where there is no file.
        before_hash: The hash of its bytes now; an answer names it. Empty where there is no file.
        after: What the call would make of it.
        stale: Whether the file has changed since the request was made: `before` is what is there
            now, and `after` what the call would make of that.
    """

    path: str
    before: str
    before_hash: str
    after: str
    stale: bool


class Reviews:
    """Shows requests as text, and takes the text that a human has made of them.

    Args:
        services: What turns work with.
        workspaces: The projects.
    """

    def __init__(self, services: Services, workspaces: Workspaces) -> None:
        self._services = services
        self._workspaces = workspaces

    async def show(self, principal: Principal, approval_id: str) -> ReviewedFile:
        """Return both texts, computed from the call that the approval is for.

        Raises:
            ApprovalNotFound: There is no such request for this user.
            AlreadyAnswered, ApprovalExpired: It does not wait any more.
            ApprovalStale: The file has changed, and the call does not fit it any more.
            NotReviewable: The call writes no file.
        """
        record = await self._waiting(principal, approval_id)
        prepared, proposal, _ = await self._proposed(record)
        return ReviewedFile(
            path=proposal.path,
            before=proposal.before,
            before_hash=proposal.state,
            after=proposal.after,
            stale=prepared.call.digest != record.digest,
        )

    async def approve(
        self, principal: Principal, approval_id: str, text: str, before_hash: str, feedback: str
    ) -> ApprovalRecord:
        """Approve the call so that it writes exactly the text that was reviewed.

        Args:
            principal: Who answers.
            approval_id: The request.
            text: What the file shall hold.
            before_hash: The hash of what it held when it was reviewed.
            feedback: What the agent is told besides the difference.

        Raises:
            ApprovalStale: The file is not what was reviewed; the request still waits.
            CodeLabError: As for any answer; the request still waits.
        """
        record = await self._waiting(principal, approval_id)
        prepared, proposal, context = await self._proposed(record)
        if proposal.state != before_hash:
            raise ApprovalStale("The file has changed since you looked at it. Look at it again.")
        hitl, is_wanted = self._services.hitl, text == proposal.after
        if is_wanted and prepared.call.digest == record.digest:
            return await hitl.answer(principal, approval_id, True, feedback=feedback)
        parameters = record.parameters
        if not is_wanted:
            rewritten = self._services.tools.rewritten(prepared, proposal, text)
            if rewritten is None:
                raise NotReviewable("The file cannot be given this text by this call.")
            parameters = rewritten
        edited = await prepare_edited(self._services, self._workspaces, record, parameters)
        anew = await prepared_with(self._services, record, context, parameters)
        made = await self._services.tools.propose(anew, context)
        # What is approved is what was reviewed, or nothing is.
        if anew.state != before_hash or anew.call.digest != edited.digest:
            raise ApprovalStale("The file has changed since you looked at it. Look at it again.")
        if made is None or made.after != text:
            raise NotReviewable("The file cannot be given this text by this call.")
        return await hitl.answer(principal, approval_id, True, feedback=feedback, reviewed=edited)

    async def _waiting(self, principal: Principal, approval_id: str) -> ApprovalRecord:
        record = await self._services.hitl.get(principal, approval_id)
        record.lifecycle.require_pending()
        return record

    async def _proposed(self, record: ApprovalRecord) -> tuple[PreparedCall, Proposal, ToolContext]:
        context = await context_of(self._services, self._workspaces, record)
        try:
            prepared = await prepared_with(self._services, record, context, record.parameters)
            proposal = await self._services.tools.propose(prepared, context)
        except Unavailable:
            raise
        except CodeLabError as error:
            raise ApprovalStale(
                f"The file has changed, and this does not fit it any more. {error.message}"
            ) from error
        if proposal is None:
            raise NotReviewable(f"{record.tool} does not write one file.")
        if proposal.state != prepared.state:
            raise ApprovalStale("The file is being changed right now. Look at it again.")
        return prepared, proposal, context
