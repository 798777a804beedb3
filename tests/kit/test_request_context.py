import asyncio

from codelab.kit.request_context import RequestContext, current_request, handling


async def test_a_request_is_known_inside_its_handling_and_in_tasks_that_start_there() -> None:
    async def who() -> RequestContext:
        await asyncio.sleep(0)
        return current_request()

    assert current_request() == RequestContext()
    first, second = RequestContext(address="192.0.2.1"), RequestContext(user_agent="editor/1")
    with handling(first):
        task = asyncio.create_task(who())
        with handling(second):
            assert await who() == second
        assert current_request() == first
    assert await task == first
    assert current_request() == RequestContext()
