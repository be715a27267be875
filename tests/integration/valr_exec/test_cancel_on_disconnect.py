"""Open orders die with the line, if that is wanted: VALR forgets the wish with every connection."""

import asyncio

from tests.integration.valr_exec.desk import Desk, trading, until


async def lose_the_line(desk: Desk) -> None:
    """Cut it, and wait until the client is back in step."""
    desk.cut_sockets()
    await until(lambda: not desk.client._catch_up.is_in_step)
    await until(lambda: desk.client._catch_up.is_in_step)


def test_what_works_when_the_line_breaks_is_cancelled_and_the_engine_hears_of_it_after_every_reconnect() -> None:
    async def scenario() -> None:
        async with trading(cancel_on_disconnect=True) as desk:
            for _ in range(2):
                order = desk.submit(desk.limit())
                await desk.sees(order, "Accepted")
                await lose_the_line(desk)
                await desk.sees(order, "Canceled")

    asyncio.run(scenario())


def test_by_default_they_outlive_it() -> None:
    async def scenario() -> None:
        async with trading() as desk:
            order = desk.submit(desk.limit())
            await desk.sees(order, "Accepted")
            await lose_the_line(desk)
            assert desk.kinds(order)[-1] == "Accepted"
            assert desk.at_venue(order).is_open

    asyncio.run(scenario())
