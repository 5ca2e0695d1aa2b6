"""The latent price of one asset: bursts of self-exciting orders, some of which move it.

Every book of an asset runs its own copy from the same seed, so that all venues see one price
without sharing anything.
"""

from collections.abc import Callable
from math import exp, sqrt
from random import Random

from tidegauge.core.instrument import MILLISECOND, SECOND, Nanos

from .profile import Flow

STEP: Nanos = 50 * MILLISECOND
_STEP_SECONDS = STEP / SECOND
_GAUSS_FROM = 12.0
"""Poisson means above this are drawn from the normal that fits them."""


def generator(seed: int | str, *names: str) -> Random:
    """Return a generator of its own for whatever `names` name: the same seed, the same market."""
    return Random("/".join((str(seed), *names)))  # noqa: S311 (a market, not a secret)


def poisson(random: Random, mean: float) -> int:
    """Draw a Poisson number."""
    if mean > _GAUSS_FROM:
        return max(0, round(random.gauss(mean, sqrt(mean))))
    limit, product, count = exp(-mean), random.random(), 0
    while product > limit:
        product *= random.random()
        count += 1
    return count


class PricePath:
    """The log price in bps from the opening, and what the last advance brought.

    `jumped_bps` is how far the price jumped in all (not net) since `take` was last called.
    """

    __slots__ = ("_excitement", "_flow", "_jumped", "_random", "_side", "bps", "now")

    def __init__(self, flow: Flow, random: Random) -> None:
        self._flow = flow
        self._random = random
        self._excitement = 0.0
        self._side = 1.0
        self._jumped = 0.0
        self.bps = 0.0
        self.now: Nanos = 0

    def advance(self, now: Nanos) -> None:
        """Let orders come in until `now`."""
        while self.now + STEP <= now:
            self.now += STEP
            self._step()

    def take(self) -> float:
        """Return how far the price has jumped since the last call."""
        jumped, self._jumped = self._jumped, 0.0
        return jumped

    def _step(self) -> None:
        flow, random = self._flow, self._random
        orders = poisson(random, (flow.rate + self._excitement) * _STEP_SECONDS)
        keep = exp(-flow.decay * _STEP_SECONDS)
        # Discrete in time: each order brings on `branching` others in all the steps to come.
        kick = flow.branching * (1.0 - keep) / _STEP_SECONDS
        self._excitement = self._excitement * keep + orders * kick
        for _ in range(orders):
            if random.random() < flow.move_probability:
                self._move(flow, random.gauss, random.random)

    def _move(
        self, flow: Flow, gauss: Callable[[float, float], float], uniform: Callable[[], float]
    ) -> None:
        jump = flow.jump_bps * exp(gauss(0.0, flow.jump_sigma))
        jump = min(jump, flow.largest_jump_bps)
        if uniform() > 0.5 + 0.05 * self._side:
            self._side = -self._side
        # Far from where it opened the price leans back, so that a week-long run stays in range.
        if uniform() < min(0.3, abs(self.bps) / 3000.0):
            self._side = -1.0 if self.bps > 0 else 1.0
        self.bps += self._side * jump
        self._jumped += jump
