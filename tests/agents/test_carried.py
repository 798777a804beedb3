"""What interrupts a turn reaches its work and never its conclusion."""

from __future__ import annotations

import asyncio

import pytest

from codelab.agents.carried import Carried
from codelab.kit.ids import new_id
from codelab.sessions.api import Lease


@pytest.fixture
def carried() -> Carried:
    held = Lease(
        session_id=new_id(), turn_id=new_id(), user_id=new_id(), workspace_id=new_id(), generation=1
    )
    return Carried(held)


async def test_an_interruption_stops_the_work_and_the_first_reason_stands(
    carried: Carried,
) -> None:
    doing = asyncio.create_task(carried.work(asyncio.sleep(3600)))
    await asyncio.sleep(0)
    assert carried.is_working
    carried.interrupt("cancelled")
    carried.interrupt("let_go")
    with pytest.raises(asyncio.CancelledError):
        await doing
    assert carried.interrupted == "cancelled"
    assert not carried.is_working


async def test_what_goes_on_between_two_works_is_not_disturbed(carried: Carried) -> None:
    begun = False

    async def work() -> None:
        nonlocal begun
        begun = True

    async def conclude_and_go_on() -> bool:
        await asyncio.sleep(0.01)
        with pytest.raises(asyncio.CancelledError):
            await carried.work(work())
        return True

    concluding = asyncio.create_task(conclude_and_go_on())
    await asyncio.sleep(0)
    carried.interrupt("let_go")
    assert await concluding
    assert not begun
