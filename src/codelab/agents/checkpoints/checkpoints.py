"""The way back to a checkpoint, for the user who asks for it between turns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from codelab.agents.checkpoints import restoring
from codelab.agents.checkpoints.keeping import Keeper
from codelab.agents.checkpoints.restoring import Checkpoint, CheckpointPreview, Point, Restored
from codelab.agents.errors import CheckpointPruned, CheckpointsOff
from codelab.agents.live import Services
from codelab.auth.api import Principal
from codelab.kit.errors import InvalidInput
from codelab.kit.ids import new_id
from codelab.kit.ratelimit import RateLimiter
from codelab.sessions.api import SessionRecord, Sessions
from codelab.sessions.errors import CheckpointNotFound, SessionNotFound, TurnInProgress
from codelab.sessions.events import CheckpointRestored, Entry
from codelab.workspace.api import (
    FILE_OPERATIONS,
    Audience,
    Conflict,
    Folder,
    Restoration,
    Step,
    Workspaces,
    paths_of,
    plan,
)
from codelab.workspace.errors import CheckpointFailed

_AT_ONCE = 20
_DIFFS = 50
_DIFF_CHARACTERS = 500_000
_MESSAGES = 200


class Checkpoints:
    """What users may do about the checkpoints of their sessions.

    Args:
        services: What turns work with.
        sessions: The sessions.
        workspaces: The projects.
        limiter: Counts file operations per user.
        per_hour: How many a user has.
    """

    def __init__(
        self,
        services: Services,
        sessions: Sessions,
        workspaces: Workspaces,
        limiter: RateLimiter,
        *,
        per_hour: int = 1000,
    ) -> None:
        self._services = services
        self._sessions = sessions
        self._workspaces = workspaces
        self._limiter = limiter
        self._per_hour = per_hour

    async def list_for(self, principal: Principal, session_id: str) -> list[Checkpoint]:
        """Return the checkpoints of the user's session, oldest first."""
        record = await self._sessions.get(principal, session_id)
        entries = await self._sessions.between.checkpoints(record.id)
        return restoring.described(entries, await self._known(record))

    async def preview(
        self, principal: Principal, session_id: str, checkpoint_id: str
    ) -> CheckpointPreview:
        """Show what going back to a checkpoint would do.

        Raises:
            SessionNotFound: There is no such session for this user.
            CheckpointNotFound: The session has no such checkpoint.
        """
        record, entries, point = await self._point(principal, session_id, checkpoint_id)
        checkpoint = await self._described(record, entries, checkpoint_id)
        messages = await self._sessions.between.said_behind(record.id, point.through_seq, _MESSAGES)
        shown = restoring.messages_of(messages)
        if not checkpoint.available or self._services.keeper is None:
            return CheckpointPreview(checkpoint=checkpoint, messages=shown)
        folder, planned = await self._planned(principal, record, entries, point)
        steps = planned.steps[:_DIFFS]
        contents: dict[str, bytes] = {}
        for start in range(0, len(steps), _AT_ONCE):
            contents |= await self._contents(record, folder, steps[start : start + _AT_ONCE])
        diffs = await folder.undo(lambda undoing: undoing.diffs(steps, contents, _DIFF_CHARACTERS))
        return CheckpointPreview(
            checkpoint=checkpoint,
            files=restoring.files_of(planned.steps, diffs),
            conflicts=restoring.conflicts_of(planned.conflicts),
            messages=shown,
        )

    async def restore(
        self,
        principal: Principal,
        session_id: str,
        checkpoint_id: str,
        *,
        files: bool = True,
        conversation: bool = True,
    ) -> Restored:
        """Go back to a checkpoint.

        Args:
            principal: Who asks.
            session_id: The session.
            checkpoint_id: Where to.
            files: Whether files become what they were; those that somebody else changed do not.
            conversation: Whether models are not shown any more what was said since.

        Raises:
            SessionNotFound: There is no such session for this user.
            CheckpointNotFound: The session has no such checkpoint.
            CheckpointsOff: Files do not go back on this server.
            CheckpointPruned: Its files are not kept any more.
            TurnInProgress: A turn is being worked on.
            CheckpointFailed: What there is now could not be kept; nothing was changed.
        """
        if not files and not conversation:
            raise InvalidInput("Choose files, the conversation or both.", field="files")
        record, entries, point = await self._point(principal, session_id, checkpoint_id)
        if record.active_turn_id:
            raise TurnInProgress(
                "This session is working on a message. Wait for its answer or cancel it."
            )
        fact = CheckpointRestored(
            restoration_id=new_id(),
            checkpoint_id=checkpoint_id,
            through_seq=point.through_seq,
            conversation=conversation,
            by=principal.name,
        )
        conflicts: Sequence[Conflict] = ()
        if files:
            self._keeper()
            if not (await self._described(record, entries, checkpoint_id)).available:
                raise CheckpointPruned(
                    "The files of this checkpoint are not kept any more: they are for a week, "
                    "and while there is room. The conversation alone can still go back."
                )
            folder, planned = await self._planned(principal, record, entries, point)
            fact, conflicts = await self._put_back(record, folder, entries, point, planned, fact)
        if fact.changes or conversation:
            fact = await self._record(record, fact)
        return Restored(
            restoration_id=fact.restoration_id,
            checkpoint_id=checkpoint_id,
            files=tuple(change.path for change in fact.changes),
            conflicts=restoring.conflicts_of(conflicts),
            conversation=fact.conversation,
        )

    async def _put_back(
        self,
        record: SessionRecord,
        folder: Folder,
        entries: Sequence[Entry],
        point: Point,
        planned: Restoration,
        fact: CheckpointRestored,
    ) -> tuple[CheckpointRestored, Sequence[Conflict]]:
        conflicts = list(planned.conflicts)
        steps = planned.steps
        if steps:
            keeper, root = self._keeper(), Path(folder.root())
            paths = [step.path for step in steps]
            # So that this can be undone as well; without it nothing is touched.
            before = await keeper.snapshots.take(record.workspace_id, root, record.id, paths=paths)
            fact = msgspec.structs.replace(fact, restoration_id=before.id)
            keeper.touch(record.workspace_id, paths)
            for start in range(0, len(steps), _AT_ONCE):
                some = steps[start : start + _AT_ONCE]
                try:
                    contents = await self._contents(record, folder, some)
                except CheckpointFailed:
                    # What has gone back already must be known all the same.
                    contents = {}
                conflicts += await _put_back(folder, some, contents)
            made = restoring.folders_made(entries, point)
            await folder.undo(lambda undoing: undoing.remove_empty(made))
            keeper.touch(record.workspace_id, paths)
            if self._services.retrieval:
                self._services.retrieval.changed(record.workspace_id, paths)
        failed = {conflict.path for conflict in conflicts}
        changes = restoring.changes_of(step for step in steps if step.path not in failed)
        kept = restoring.recorded_conflicts(conflicts)
        return msgspec.structs.replace(fact, changes=changes, conflicts=kept), conflicts

    async def _record(self, record: SessionRecord, fact: CheckpointRestored) -> CheckpointRestored:
        between = self._sessions.between
        try:
            await between.append(record, [fact])
        except TurnInProgress:
            if not fact.changes:
                raise
            # Meanwhile a turn has begun. What became of the files is done, and must be known.
            fact = msgspec.structs.replace(fact, conversation=False)
            if not await between.append_done(record, [fact]):
                raise SessionNotFound("There is no such session.") from None
        return fact

    async def _point(
        self, principal: Principal, session_id: str, checkpoint_id: str
    ) -> tuple[SessionRecord, list[Entry], Point]:
        record = await self._sessions.get(principal, session_id)
        await self._limiter.hit(FILE_OPERATIONS, self._per_hour, principal.user_id)
        between = self._sessions.between
        entries = await between.checkpoints(record.id)
        found = restoring.find(entries, checkpoint_id)
        if found is None:
            raise CheckpointNotFound("This session has no such checkpoint.")
        beginning = await between.beginning(record.id, found.turn_id) if found.turn_id else 0
        return record, entries, restoring.point_of(found, beginning)

    async def _described(
        self, record: SessionRecord, entries: Sequence[Entry], checkpoint_id: str
    ) -> Checkpoint:
        all_of_them = restoring.described(entries, await self._known(record))
        return next(one for one in all_of_them if one.id == checkpoint_id)

    async def _planned(
        self, principal: Principal, record: SessionRecord, entries: Sequence[Entry], point: Point
    ) -> tuple[Folder, Restoration]:
        await self._workspaces.get(principal, record.workspace_id)
        folder = await self._workspaces.open(record.workspace_id, audience=Audience.HUMAN)
        calls = restoring.calls_behind(entries, point)
        paths = paths_of(calls)
        now = await folder.undo(lambda undoing: undoing.states(paths))
        return folder, plan(calls, now)

    async def _contents(
        self, record: SessionRecord, folder: Folder, steps: Sequence[Step]
    ) -> dict[str, bytes]:
        blobs = [step.target.blob for step in steps if step.target]
        root = Path(folder.root())
        return await self._keeper().snapshots.contents(record.workspace_id, root, blobs)

    async def _known(self, record: SessionRecord) -> frozenset[str]:
        keeper = self._services.keeper
        if keeper is None:
            return frozenset()
        return await keeper.snapshots.known(record.workspace_id, record.id)

    def _keeper(self) -> Keeper:
        if self._services.keeper is None:
            raise CheckpointsOff(
                "Files do not go back on this server, since its administrator has switched "
                "checkpoints off (CODELAB_CHECKPOINTS). The conversation alone can."
            )
        return self._services.keeper


async def _put_back(
    folder: Folder, steps: Sequence[Step], contents: dict[str, bytes]
) -> list[Conflict]:
    return await folder.undo(lambda undoing: undoing.put_back(steps, contents))
