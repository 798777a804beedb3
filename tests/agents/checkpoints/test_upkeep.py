"""What checkpoints keep is forgotten in time, and a checkpoint without it says so."""

from __future__ import annotations

import pytest

from codelab.agents.api import CheckpointUpkeep
from codelab.agents.errors import CheckpointPruned
from codelab.workspace.events import WorkspaceDeleted
from tests.agents.checkpoints.test_checkpoints import (
    checkpoints,
    kept,
    last,
    perform,
    restore,
    undo,
    writing,
)
from tests.agents.stage import ANN, Stage, until_awaited

__all__ = ["kept"]


async def test_pruned_checkpoints_say_so(kept: Stage) -> None:
    await perform(kept, writing("a.txt", "a"))
    replica = kept.first
    workspace_id = (await kept.lease()).workspace_id
    upkeep = CheckpointUpkeep(replica.workspaces, replica.turns, replica.bus)
    await upkeep.sweep()
    assert all(one.available for one in await checkpoints(kept))
    # As the sweep does with what is older than a week.
    await replica.workspaces.snapshots.forget(workspace_id)
    assert not any(one.available for one in await checkpoints(kept))
    preview = await replica.checkpoints.preview(ANN, kept.session_id, await last(kept))
    assert (preview.checkpoint.available, preview.files) == (False, ())
    with pytest.raises(CheckpointPruned):
        await undo(kept)
    done = await restore(kept, await last(kept), files=False)
    assert done.conversation
    assert (kept.project / "a.txt").exists()


async def test_deleted_sessions_and_workspaces_are_forgotten(kept: Stage) -> None:
    replica = kept.first
    workspace_id = (await kept.lease()).workspace_id
    upkeep = CheckpointUpkeep(replica.workspaces, replica.turns, replica.bus, every_s=3600)
    await replica.bus.start()
    await upkeep.start()
    await perform(kept, writing("a.txt", "a"))
    gone = kept.session_id
    await kept.open_another_session()
    await perform(kept, writing("b.txt", "b"))
    await replica.sessions.delete(ANN, gone)
    # So much has come in that nobody waits for the hour.
    store = replica.workspaces.snapshots
    store.crowded.set()

    async def forgotten() -> bool:
        return not await store.known(workspace_id, gone)

    await until_awaited(forgotten)
    assert await store.known(workspace_id, kept.session_id)
    replica.bus.publish(WorkspaceDeleted(workspace_id=workspace_id, user_id=ANN.user_id))

    async def all_forgotten() -> bool:
        return not await store.known(workspace_id, kept.session_id)

    await until_awaited(all_forgotten)
    await upkeep.close()
    await replica.bus.close()
