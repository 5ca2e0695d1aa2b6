"""The simulated loop: time that jumps, an order drawn from the seed, and no waiting for ever."""

import asyncio

import pytest
from tests.support.simulation.loop import Deadlock, run_simulated, simulated_loop

DAY = 86_400.0


def order(seed: int) -> list[int]:
    """Return the order in which twenty tasks that are ready together run."""

    async def run() -> list[int]:
        order: list[int] = []

        async def one(number: int) -> None:
            await asyncio.sleep(1)
            order.append(number)

        async with asyncio.TaskGroup() as tasks:
            for number in range(20):
                tasks.create_task(one(number))
        return order

    return run_simulated(run(), seed)


def test_time_jumps_to_the_next_timer() -> None:
    """Ten days are over at once, and are ten days to whoever looks."""

    async def run() -> float:
        for _ in range(10):
            await asyncio.sleep(DAY)
        return simulated_loop().time()

    assert run_simulated(run(), 1) == pytest.approx(10 * DAY)


def test_the_order_of_what_is_ready_is_the_seeds() -> None:
    """The same seed runs it the same way, another one another way, and all of it runs."""
    assert order(1) == order(1)
    assert order(1) != order(2)
    assert sorted(order(1)) == [*range(20)]


def test_waiting_for_what_never_comes_is_an_error() -> None:
    """A real program would hang."""

    async def run() -> None:
        await asyncio.Event().wait()

    with pytest.raises(Deadlock, match=r"at 0\.000 s"):
        run_simulated(run(), 1)


def test_deadlines_are_kept_in_virtual_time() -> None:
    """`asyncio.timeout` works on it as on any other loop."""

    async def run() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3 * DAY):
                await asyncio.Event().wait()
        return simulated_loop().time()

    assert run_simulated(run(), 1) == pytest.approx(3 * DAY)


def test_work_can_take_time() -> None:
    """What is due meanwhile comes after it."""

    async def run() -> float:
        loop = simulated_loop()
        late = asyncio.create_task(asyncio.sleep(1))
        await asyncio.sleep(0)
        loop.pass_time(5)
        await late
        return loop.time()

    assert run_simulated(run(), 1) == pytest.approx(5)


def test_threads_are_refused() -> None:
    """Their order would be drawn from nowhere."""

    async def run() -> None:
        await asyncio.to_thread(print)

    with pytest.raises(RuntimeError, match="threads"):
        run_simulated(run(), 1)
