"""The rules in force: the server's, and those that users made for a workspace or a session.

A user's rules hold for the calls of that user's own agents and for nobody else's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from datetime import datetime
from typing import Literal

import msgspec
import sqlalchemy as sa

from codelab.auth.api import Principal
from codelab.hitl.errors import RuleInvalid, RuleNotFound
from codelab.hitl.events import ApprovalRequested, PolicyApplied, RuleAdded, RuleRevoked
from codelab.hitl.models import policy_rules
from codelab.hitl.policy import Rule
from codelab.kit.bus import Bus
from codelab.kit.crypto import Cipher
from codelab.kit.db import Database, Transaction
from codelab.kit.ids import new_id

MOST_RULES = 50
# All of a scope's rules together, as JSON: each is held against each call.
LONGEST_RULES = 20_000

# Finds a session or a workspace for its user, or raises that there is none.
Find = Callable[[Principal, str], Awaitable[object]]


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """Where a user's rule holds: in one workspace or in one session.

    Args:
        workspace_id: The workspace, or none.
        session_id: The session, or none.
    """

    workspace_id: str | None = None
    session_id: str | None = None

    def __post_init__(self) -> None:
        if (self.workspace_id is None) == (self.session_id is None):
            raise RuleInvalid("Name a workspace or a session, one of them.", field="session_id")

    @property
    def name(self) -> Literal["workspace", "session"]:
        """Tell which of the two it is."""
        return "session" if self.workspace_id is None else "workspace"


class StoredRule(msgspec.Struct, frozen=True, kw_only=True):
    """A user's rule.

    Args:
        scope: Where it holds.
        approval_id: The answer that it was given with, if it was.
        hits: How often it has decided about a call.
        last_used_at: When it did so last.
    """

    id: str
    scope: Scope
    rule: Rule
    created_at: datetime
    approval_id: str | None = None
    hits: int = 0
    last_used_at: datetime | None = None


class InForce(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that holds for a call, and whose it is; the server's have no number."""

    rule: Rule
    source: Literal["server", "workspace", "session"]
    rule_id: str = ""


class Rulebook:
    """Reads, adds and revokes rules.

    Args:
        db: The database.
        cipher: Seals the rules, which name paths and commands.
        server: The server's rules.
        find_session: Finds the user's session.
        find_workspace: Finds a workspace that is open to the user.
        file_name: Where the server's rules come from.
    """

    def __init__(
        self,
        db: Database,
        cipher: Cipher,
        server: tuple[Rule, ...],
        find_session: Find,
        find_workspace: Find,
        file_name: str = "",
    ) -> None:
        self._db = db
        self._cipher = cipher
        self._server = server
        self._find_session = find_session
        self._find_workspace = find_workspace
        self.file_name = file_name

    async def in_force(
        self, tx: Transaction, user_id: str, workspace_id: str, session_id: str
    ) -> tuple[InForce, ...]:
        """Return the rules for a call of a user's agent.

        Raises:
            SealBroken: One cannot be read; what it forbids must not be guessed.
        """
        columns = policy_rules.c
        query = sa.select(policy_rules).where(
            columns.user_id == user_id,
            sa.or_(columns.workspace_id == workspace_id, columns.session_id == session_id),
        )
        rows = await tx.execute(query.order_by(columns.id))
        own = (self._stored(row) for row in rows)
        return (
            *(InForce(rule=rule, source="server") for rule in self._server),
            *(InForce(rule=one.rule, source=one.scope.name, rule_id=one.id) for one in own),
        )

    def of_server(self) -> tuple[Rule, ...]:
        """Return the server's rules, which hold for everybody."""
        return self._server

    def count_uses(self, bus: Bus) -> None:
        """Count from now on how often users' rules decide, off the path of the calls."""
        bus.subscribe_queue(ApprovalRequested, self._count)
        bus.subscribe_queue(PolicyApplied, self._count)

    async def _count(self, event: ApprovalRequested | PolicyApplied) -> None:
        # One after the other in one order, so that no two transactions wait for each other.
        for rule_id in sorted(event.rule_ids):
            async with self._db.transaction() as tx:
                await tx.execute(
                    sa.update(policy_rules)
                    .where(policy_rules.c.id == rule_id)
                    .values(hits=policy_rules.c.hits + 1, last_used_at=tx.moment())
                )

    async def list_for(self, principal: Principal, scope: Scope) -> list[StoredRule]:
        """Return the user's rules in a scope, oldest first.

        Raises:
            NotFound: There is no such session or workspace for this user.
        """
        await self._find(principal, scope)
        return [stored for stored in await self.list_all(principal) if stored.scope == scope]

    async def list_all(self, principal: Principal) -> list[StoredRule]:
        """Return all of the user's rules, oldest first."""
        query = sa.select(policy_rules).where(policy_rules.c.user_id == principal.user_id)
        async with self._db.read() as db:
            return [self._stored(row) for row in await db.execute(query.order_by("id"))]

    async def add(self, principal: Principal, scope: Scope, rule: Rule) -> StoredRule:
        """Make a rule.

        Raises:
            NotFound: There is no such session or workspace for this user.
            RuleInvalid: There are too many already.
        """
        await self._find(principal, scope)
        async with self._db.transaction() as tx:
            return await self.add_within(tx, principal.user_id, scope, rule)

    async def add_within(
        self,
        tx: Transaction,
        user_id: str,
        scope: Scope,
        rule: Rule,
        approval_id: str | None = None,
    ) -> StoredRule:
        """Make a rule as part of an answer; an equal one that is there already is enough.

        Raises:
            RuleInvalid: There are too many already.
        """
        query = sa.select(policy_rules).where(policy_rules.c.user_id == user_id, *_within(scope))
        there = [self._stored(row) for row in await tx.execute(query)]
        for stored in there:
            if stored.rule == rule:
                return stored
        if len(there) >= MOST_RULES:
            raise RuleInvalid(f"There are {MOST_RULES} rules here already. Revoke some.")
        if sum(len(msgspec.json.encode(one)) for one in (rule, *_rules(there))) > LONGEST_RULES:
            raise RuleInvalid("The rules here would be too long together. Revoke some.")
        stored = StoredRule(
            id=new_id(), scope=scope, rule=rule, created_at=await tx.now(), approval_id=approval_id
        )
        sealed = self._cipher.seal(msgspec.json.encode(rule), _context(stored.id))
        await tx.execute(
            sa.insert(policy_rules).values(
                id=stored.id,
                user_id=user_id,
                workspace_id=scope.workspace_id,
                session_id=scope.session_id,
                rule=sealed,
                approval_id=approval_id,
                created_at=stored.created_at,
            )
        )
        tx.publish(
            RuleAdded(
                rule_id=stored.id,
                user_id=user_id,
                workspace_id=scope.workspace_id,
                session_id=scope.session_id,
                decision=rule.decision.value,
                tool=rule.tool,
                approval_id=approval_id,
            )
        )
        return stored

    async def revoke(self, principal: Principal, rule_id: str) -> None:
        """Take a rule back: from the next call on it does not hold.

        Raises:
            RuleNotFound: There is no such rule of this user.
        """
        async with self._db.transaction() as tx:
            row = (
                await tx.execute(
                    sa.delete(policy_rules)
                    .where(
                        policy_rules.c.id == rule_id,
                        policy_rules.c.user_id == principal.user_id,
                    )
                    .returning(policy_rules.c.workspace_id, policy_rules.c.session_id)
                )
            ).first()
            if row is None:
                raise RuleNotFound("There is no such rule.")
            tx.publish(
                RuleRevoked(
                    rule_id=rule_id,
                    user_id=principal.user_id,
                    workspace_id=row.workspace_id,
                    session_id=row.session_id,
                )
            )

    async def _find(self, principal: Principal, scope: Scope) -> None:
        if scope.session_id is not None:
            await self._find_session(principal, scope.session_id)
        if scope.workspace_id is not None:
            await self._find_workspace(principal, scope.workspace_id)

    def _stored(self, row: sa.Row[tuple[object, ...]]) -> StoredRule:
        plain = self._cipher.open(row.rule, _context(row.id))
        return StoredRule(
            id=row.id,
            scope=Scope(workspace_id=row.workspace_id, session_id=row.session_id),
            rule=msgspec.json.decode(plain, type=Rule),
            created_at=row.created_at,
            approval_id=row.approval_id,
            hits=row.hits,
            last_used_at=row.last_used_at,
        )


def _rules(stored: Iterable[StoredRule]) -> Iterator[Rule]:
    return (one.rule for one in stored)


def _within(scope: Scope) -> tuple[sa.ColumnElement[bool], ...]:
    columns = policy_rules.c
    if scope.session_id is not None:
        return (columns.session_id == scope.session_id,)
    return (columns.workspace_id == scope.workspace_id,)


def _context(rule_id: str) -> str:
    return f"policy_rules.rule:{rule_id}"
