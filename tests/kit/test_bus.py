import asyncio

from codelab.kit.bus import Bus
from codelab.kit.events import EphemeralEvent, Event


class Ringing(Event, frozen=True, kw_only=True):
    number: int = 0


class LoudRinging(Ringing, frozen=True, kw_only=True):
    pass


class Whispering(EphemeralEvent, frozen=True, kw_only=True):
    pass


def test_handlers_run_at_once_in_the_order_of_subscription_whatever_type_they_named() -> None:
    bus = Bus()
    heard: list[str] = []
    bus.subscribe(LoudRinging, lambda event: heard.append("loud"))
    bus.subscribe(Event, lambda event: heard.append("any"))
    bus.subscribe(Ringing, lambda event: heard.append("ringing"))
    bus.subscribe(Whispering, lambda event: heard.append("whispering"))

    bus.publish(LoudRinging())
    assert heard == ["loud", "any", "ringing"]

    heard.clear()
    bus.publish(Ringing())
    assert heard == ["any", "ringing"]

    heard.clear()
    bus.publish(Whispering())
    assert heard == ["any", "whispering"]


def test_a_handler_that_comes_later_hears_types_that_were_published_before() -> None:
    bus = Bus()
    bus.publish(Ringing())
    heard: list[Event] = []
    bus.subscribe(Ringing, heard.append)
    bus.publish(Ringing(number=2))
    assert heard == [Ringing(number=2)]


def test_a_failing_handler_is_counted_and_disturbs_nobody() -> None:
    bus = Bus()
    heard: list[Event] = []

    def break_down(event: Event) -> None:
        raise ValueError("broken handler")

    bus.subscribe(Ringing, break_down)
    bus.subscribe(Ringing, heard.append)
    bus.publish(Ringing(number=1))
    bus.publish(Ringing(number=2))
    assert heard == [Ringing(number=1), Ringing(number=2)]
    assert sum(bus.failures.values()) == 2
    assert "break_down" in next(iter(bus.failures))


async def test_a_queue_is_worked_through_in_order_and_survives_a_failure() -> None:
    bus = Bus()
    seen: list[int] = []
    done = asyncio.Event()

    async def work(event: Ringing) -> None:
        await asyncio.sleep(0)
        if event.number == 1:
            raise ValueError("broken worker")
        seen.append(event.number)
        if event.number == 3:
            done.set()

    bus.subscribe_queue(Ringing, work)
    await bus.start()
    for number in range(4):
        bus.publish(Ringing(number=number))
    async with asyncio.timeout(5):
        await done.wait()
    await bus.close()
    assert seen == [0, 2, 3]
    assert sum(bus.failures.values()) == 1


async def test_a_full_queue_drops_and_counts_instead_of_growing_or_blocking() -> None:
    bus = Bus()
    seen: list[int] = []
    go_on, done = asyncio.Event(), asyncio.Event()

    async def work(event: Ringing) -> None:
        await go_on.wait()
        seen.append(event.number)
        if event.number == 99:
            done.set()

    bus.subscribe_queue(Ringing, work, capacity=3)
    await bus.start()
    for number in range(10):
        bus.publish(Ringing(number=number))
    assert sum(bus.dropped.values()) == 7
    go_on.set()
    await asyncio.sleep(0.01)
    bus.publish(Ringing(number=99))
    async with asyncio.timeout(5):
        await done.wait()
    await bus.close()
    assert seen == [0, 1, 2, 99]
