"""An event loop whose time is made up: it jumps to the next timer when nothing is ready.

Callbacks that are ready together run in an order drawn from the seed, so that what only works by
luck of the order fails for some seed. What must come in order (the frames of one socket) is kept in
order by queues, never by the order in which callbacks were scheduled.
"""

import asyncio
import random
from collections import deque
from collections.abc import Coroutine
from itertools import count
from typing import Any, TypeVar

Outcome = TypeVar("Outcome")


class Deadlock(Exception):
    """Nothing is ready and no timer is set: whoever waits now waits for ever."""


class _Shuffled(deque[asyncio.Handle]):
    """A queue of ready callbacks that hands out any of them."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self._chance = chance

    def popleft(self) -> asyncio.Handle:
        if len(self) > 1:
            self.rotate(-self._chance.randrange(len(self)))
        return super().popleft()


class _Task(asyncio.Task[Any]):
    """A task whose place in a set does not depend on its address in memory."""

    def __init__(self, number: int, *arguments: Any, **more: Any) -> None:
        self._number = number
        super().__init__(*arguments, **more)

    def __hash__(self) -> int:
        return self._number


class SimulatedLoop(asyncio.BaseEventLoop):
    """Virtual time in seconds, from 0. `pass_time` makes work take time; there are no threads."""

    def __init__(self, seed: object) -> None:
        super().__init__()
        self._ready = _Shuffled(random.Random(f"{seed}/order"))
        self._selector = self
        self._seconds = 0.0
        numbers = count(1)
        self.set_task_factory(
            lambda loop, work, **more: _Task(next(numbers), work, loop=loop, **more)
        )

    def time(self) -> float:
        return self._seconds

    def pass_time(self, seconds: float) -> None:
        """Have the callback that runs now take so long."""
        self._seconds += seconds

    def select(self, timeout: float | None) -> list[Any]:
        """Stand in for the selector: no descriptor is ever ready, and waiting takes no time."""
        if timeout is None:
            raise Deadlock(f"nothing is left to happen at {self._seconds:.3f} s")
        self._seconds += timeout
        return []

    def run_in_executor(self, executor: object, func: object, *_: object) -> Any:
        """Refuse threads: their order would be drawn from nowhere."""
        raise RuntimeError("a simulated program may not use threads")

    def _process_events(self, event_list: list[Any]) -> None:
        assert not event_list

    def _write_to_self(self) -> None:
        """Wake the selector from another thread: there is none."""


def run_simulated(work: Coroutine[Any, Any, Outcome], seed: object) -> Outcome:
    """Run a coroutine to its end in virtual time."""
    with asyncio.Runner(loop_factory=lambda: SimulatedLoop(seed)) as runner:
        return runner.run(work)


def simulated_loop() -> SimulatedLoop:
    """Return the loop that runs now."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SimulatedLoop)
    return loop
