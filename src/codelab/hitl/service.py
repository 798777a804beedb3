"""Asks humans, takes their answers, and lets approved calls through the gate."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from codelab.auth.api import Principal
from codelab.hitl.approval import (
    VOID,
    ApprovalRecord,
    Outcome,
    about,
    answered,
    expired,
    missing,
)
from codelab.hitl.asking import (
    Allowed,
    Denied,
    EditedCall,
    Pending,
    Redigest,
    Review,
    ReviewRequest,
)
from codelab.hitl.describing import completed
from codelab.hitl.errors import ApprovalMissing, ApprovalNotFound, ApprovalStale
from codelab.hitl.events import ApprovalRequested, ApprovalUsed, PolicyApplied
from codelab.hitl.policy import Decision, Subject, decide
from codelab.hitl.repository import ApprovalRepository
from codelab.hitl.rulebook import Rulebook, Scope
from codelab.hitl.settings import HitlSettings
from codelab.hitl.settling import Settlements
from codelab.hitl.standing import rule_for
from codelab.kit.crypto import Cipher
from codelab.kit.db import Database, Transaction
from codelab.kit.errors import CodeLabError, Unavailable
from codelab.kit.ids import is_id, new_id
from codelab.kit.ratelimit import RateLimiter
from codelab.sdk.facts import CallFacts
from codelab.sdk.gate import Call
from codelab.sessions.api import Turns

POLICY = "policy"

_MAY_HAVE_RUN = (
    "This call was started before, and the server stopped before the result was noted: it may "
    "have been done in full, in part or not at all. Approve to run it again, reject to leave it "
    "at that, cancel to stop here.\n\n"
)


class Hitl:
    """Approvals, from the review of a call to the gate before it. It is the tools' `Gate`.

    Args:
        db: The database.
        cipher: Seals what agents and people wrote.
        turns: Takes the answers into the session's log.
        rules: The rules in force.
        limiter: Counts the requests of each user.
        settings: Times and limits.
        redigest: Prepares a call anew, with parameters that a human may have edited.
    """

    def __init__(
        self,
        db: Database,
        cipher: Cipher,
        turns: Turns,
        rules: Rulebook,
        limiter: RateLimiter,
        settings: HitlSettings,
        redigest: Redigest,
    ) -> None:
        self._db = db
        self._repository = ApprovalRepository(cipher)
        self._turns = turns
        self._settlements = Settlements(db, self._repository, turns)
        self._rules = rules
        self._limiter = limiter
        self._settings = settings
        self._redigest = redigest

    async def review(self, tx: Transaction, request: ReviewRequest, now: datetime) -> Review:
        """Decide about a call, within the transaction that records it; ask a human if need be.

        Raises:
            RateLimited: The user's agents have asked too often within the hour.
        """
        call = request.call
        if request.again:
            # The newest request counts, even when the database's clock has stepped back meanwhile.
            now = max(now, await self._repository.newest_at(tx, call) + timedelta(microseconds=1))
        rules = await self._rules.in_force(tx, call.user_id, request.workspace_id, call.session_id)
        subject = self._guarded(request.subject)
        verdict = decide([one.rule for one in rules], subject)
        deciding = tuple(one for one in rules if any(one.rule is by for by in verdict.rules))
        rule_ids = tuple(one.rule_id for one in deciding if one.rule_id)
        allow = verdict.decision is Decision.ALLOW
        if verdict.decision is Decision.ASK or (allow and request.question == "retry"):
            reason = "" if allow else verdict.reason
            facts = completed(request.facts, subject, verdict, () if allow else deciding)
            if allow:
                facts = msgspec.structs.replace(facts, asked_by=None)
            return await self._ask(tx, request, now, reason, facts, rule_ids)
        if allow and not request.gated:
            return Allowed()
        record = msgspec.structs.replace(
            _record(request, now, now),
            status="approved" if allow else "rejected",
            responded_at=now,
            responded_by=POLICY,
            feedback=verdict.reason,
            response_time_ms=0,
        )
        await self._repository.insert(tx, record)
        tx.publish(
            PolicyApplied(
                **about(record),
                decision="allow" if allow else "deny",
                reason=verdict.reason,
                digest=record.digest,
                rule_ids=rule_ids,
            )
        )
        if allow:
            return Allowed()
        return Denied(reason=f"Policy forbids this. {verdict.reason}".strip())

    async def answer(
        self,
        principal: Principal,
        approval_id: str,
        approved: bool,
        parameters: dict[str, Any] | None = None,
        feedback: str = "",
        *,
        always: bool = False,
        reviewed: EditedCall | None = None,
    ) -> ApprovalRecord:
        """Take a human's answer: the first one counts.

        Args:
            principal: Who answers.
            approval_id: The request.
            approved: Whether the call may run.
            parameters: What the human made of the parameters; none leaves them as they are.
            feedback: What the agent is told.
            always: Whether the same call may run without asking for the rest of the session.
            reviewed: What the human made of the call after it was shown to them anew; then it does
                not matter whether the target is still what it was when they were asked.

        Raises:
            ApprovalNotFound: There is no such request for this user.
            AlreadyAnswered: Somebody was first.
            ApprovalExpired: The deadline has passed.
            ApprovalStale: The target has changed; nothing will run, the human is asked again.
            RuleInvalid: Such a call is asked about every time; the request still waits.
            CodeLabError: The edited call cannot work; the request still waits.
        """
        record = await self.get(principal, approval_id)
        record.lifecycle.require_pending()
        shown = reviewed
        if approved and shown is None:
            shown = await self._as_shown(record)
        stale = approved and shown is None
        if stale:
            record = msgspec.structs.replace(record, edited_digest=VOID)
        elif reviewed is not None:
            record = _edited(record, reviewed)
        elif approved and parameters is not None and parameters != record.parameters:
            shown = await self._redigest(record, parameters)
            record = _edited(record, shown)
        rule = rule_for(self._guarded(shown.subject)) if shown and always else None
        wish: Outcome = "approved" if approved else "rejected"
        async with self._db.transaction() as tx:
            settled = await self._settlements.settle(tx, record, wish, principal.name, feedback)
            if rule and settled and settled.status == "approved":
                scope = Scope(session_id=settled.session_id)
                await self._rules.add_within(tx, settled.user_id, scope, rule, settled.id)
        if settled is None:
            raise answered()
        if settled.status == "timeout":
            raise expired()
        if stale:
            raise ApprovalStale("The target has changed since this was shown. Look at it again.")
        return settled

    async def enter(self, call: Call) -> None:
        """Let an approved call through, once.

        Raises:
            ApprovalMissing: The call was not approved, or its turn does not go on.
            ApprovalStale: Something else was approved.
            ApprovalUsed: The call was started before.
        """
        async with self._db.transaction() as tx:
            approval_id = await self._repository.use(tx, call)
            if approval_id is None:
                record = await self._repository.newest_of(tx, call)
                if record is not None and record.tool == call.tool:
                    record.lifecycle.use(call.digest)
                raise missing()
            # The approvals' rows before the session's, as everywhere.
            if not await self._turns.is_running(tx, call.session_id, call.turn_id):
                raise ApprovalMissing("The turn of this call was cancelled or is over.")
            tx.publish(
                ApprovalUsed(
                    approval_id=approval_id,
                    session_id=call.session_id,
                    turn_id=call.turn_id,
                    call_id=call.call_id,
                    user_id=call.user_id,
                    agent=call.agent,
                    tool=call.tool,
                    digest=call.digest,
                )
            )

    async def get(self, principal: Principal, approval_id: str) -> ApprovalRecord:
        """Return one of the user's requests.

        Raises:
            ApprovalNotFound: There is no such request for this user.
        """
        record = None
        if is_id(approval_id):
            async with self._db.read() as db:
                record = await self._repository.get(db, approval_id)
        if record is None or record.user_id != principal.user_id:
            raise ApprovalNotFound("There is no such request for approval.")
        return record

    async def list_for(
        self,
        principal: Principal,
        *,
        status: str | None = None,
        session_id: str | None = None,
        before: str | None = None,
        limit: int = 100,
    ) -> list[ApprovalRecord]:
        """Return a page of the user's requests, newest first."""
        async with self._db.read() as db:
            return await self._repository.of_user(
                db,
                principal.user_id,
                status=status,
                session_id=session_id,
                before=before,
                limit=limit,
            )

    async def waiting(self, user_id: str) -> list[ApprovalRecord]:
        """Return what waits for a user's answer, what ends first first, without what it says."""
        async with self._db.read() as db:
            return await self._repository.waiting(db, user_id)

    async def for_turn(self, turn_id: str) -> dict[str, ApprovalRecord]:
        """Return the newest approval of each call of a turn, by call."""
        async with self._db.read() as db:
            return {one.call_id: one for one in await self._repository.of_turn(db, turn_id)}

    async def started_calls(self, tx: Transaction, turn_id: str) -> set[str]:
        """Find those calls of a turn that have passed the gate."""
        return await self._repository.started_calls(tx, turn_id)

    async def pending_turns(self, turn_ids: Sequence[str]) -> set[str]:
        """Find those of the turns that wait for a human."""
        if not turn_ids:
            return set()
        async with self._db.read() as db:
            return await self._repository.pending_turns(db, turn_ids)

    async def expire_due(self) -> list[ApprovalRecord]:
        """Time out what nobody answered, warn where the deadline is near; any replica may."""
        settings = self._settings
        return await self._settlements.expire_due(min(settings.warning_s, settings.timeout_s / 2))

    async def cancel_for_turn(self, tx: Transaction, session_id: str, turn_id: str) -> None:
        """Reject what a turn still waits for; call it before the turn's own facts are appended."""
        await self._settlements.cancel(tx, session_id, turn_id)

    async def _ask(
        self,
        tx: Transaction,
        request: ReviewRequest,
        now: datetime,
        reason: str,
        facts: CallFacts,
        rule_ids: tuple[str, ...],
    ) -> Pending:
        if not request.again:
            # That a call has to be asked about once more is not the agents' doing.
            await self._limiter.hit(
                "approval_requests", self._settings.requests_per_hour, request.call.user_id
            )
        record = msgspec.structs.replace(
            _record(request, now, now + timedelta(seconds=self._settings.timeout_s)),
            reason=reason or None,
            facts=facts,
        )
        await self._repository.insert(tx, record)
        tx.publish(
            ApprovalRequested(
                **about(record),
                risk=record.risk,
                digest=record.digest,
                expires_at=record.expires_at,
                rule_ids=rule_ids,
            )
        )
        return Pending(
            approval_id=record.id, reason=reason, expires_at=record.expires_at, facts=facts
        )

    def _guarded(self, subject: Subject) -> Subject:
        """Let nobody change the server's own policy without being asked, where it lies in reach."""
        file = self._settings.policy_file
        if file is None or subject.root is None or not file.is_relative_to(subject.root):
            return subject
        name = file.relative_to(subject.root).as_posix()
        return msgspec.structs.replace(subject, guarded=(name,))

    async def _as_shown(self, record: ApprovalRecord) -> EditedCall | None:
        """Prepare the call anew; none when that is not what was shown."""
        try:
            anew = await self._redigest(record, record.parameters)
        except Unavailable:
            raise
        except CodeLabError:
            return None
        return anew if anew.digest == record.digest else None


def _record(request: ReviewRequest, now: datetime, expires_at: datetime) -> ApprovalRecord:
    call = request.call
    return ApprovalRecord(
        id=new_id(),
        session_id=call.session_id,
        turn_id=call.turn_id,
        call_id=call.call_id,
        user_id=call.user_id,
        agent=call.agent,
        tool=call.tool,
        parameters=msgspec.json.decode(call.parameters),
        digest=call.digest,
        preview=_MAY_HAVE_RUN + request.preview if request.question == "retry" else request.preview,
        risk=request.risk,
        question=request.question,
        status="pending",
        created_at=now,
        expires_at=expires_at,
    )


def _edited(record: ApprovalRecord, edited: EditedCall) -> ApprovalRecord:
    return msgspec.structs.replace(
        record,
        edited_parameters=edited.parameters,
        edited_digest=edited.digest,
        edit_diff=edited.diff,
        preview=edited.preview,
    )
