"""Markets generated from a seed, to judge by them how well crunches are told from noise.

A `Market` makes one reading a second whose logs are AR-correlated about a slow drift, with the
innovations of a normal or a Student-t(3); scenarios scale its depth (docs/signals.md §3).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import exp, sqrt
from random import Random

from ..core.instrument import SECOND
from ..core.reading import Reading
from .readings import START, reading

Shape = Callable[[int], tuple[float, float]]
"""A scenario: the second to the share of the bids and of the asks that is there."""


def calm(_second: int) -> tuple[float, float]:
    """Nothing happens."""
    return 1.0, 1.0


def step(at: int, until: int, share: float, *, sides: str = "both") -> Shape:
    """From `at` to `until` only `share` of the depth is there."""

    def shape(second: int) -> tuple[float, float]:
        left = share if at <= second < until else 1.0
        return (left if sides != "ask" else 1.0), (left if sides != "bid" else 1.0)

    return shape


def bleed(at: int, rate: float, *, least: float = 0.05, sides: str = "both") -> Shape:
    """From `at` on, depth loses `rate` of itself each second, down to `least`."""

    def shape(second: int) -> tuple[float, float]:
        left = max(least, (1 - rate) ** max(0, second - at))
        return (left if sides != "ask" else 1.0), (left if sides != "bid" else 1.0)

    return shape


class Ar1:
    """A stationary AR(1) of standard scale; t(3) innovations are scaled to the same quantiles."""

    def __init__(self, random: Random, phi: float, *, heavy: bool) -> None:
        self.random, self.phi, self.heavy = random, phi, heavy
        self.gain = sqrt(1 - phi * phi)
        self.value = 0.0
        for _ in range(int(5 / (1 - phi))):
            self.step()

    def step(self) -> float:
        """Return the next value."""
        innovation = self.random.gauss(0, 1)
        if self.heavy:
            chi = sum(self.random.gauss(0, 1) ** 2 for _ in range(3))
            innovation /= sqrt(chi)  # t(3) over the square root of 3: of variance one
        self.value = self.phi * self.value + self.gain * innovation
        return self.value


@dataclass(slots=True)
class Market:
    """A seeded 1 Hz market. `noise` is about the log noise `s` of the total depth.

    Each side's log depth is a common part, a part of its own and a fast part, over a slow drift;
    spread and slippage have noise of their own, and slippage grows as its side thins.
    """

    seed: int
    noise: float = 0.10
    heavy: bool = False
    depth: float = 3e6
    drift: float = 0.04

    def readings(self, seconds: int, shape: Shape = calm) -> Iterator[Reading]:
        """Yield a reading a second."""
        random = Random(self.seed)  # noqa: S311
        heavy = self.heavy

        def ar(phi: float) -> Ar1:
            return Ar1(random, phi, heavy=heavy)

        common, bid_own, ask_own = ar(0.95), ar(0.95), ar(0.95)
        bid_fast, ask_fast, wide, sell_own, buy_own, tilt = (
            ar(0.3),
            ar(0.3),
            ar(0.6),
            ar(0.8),
            ar(0.8),
            ar(0.9),
        )
        slow = Ar1(random, 1 - 1 / 7200, heavy=False)
        # Each input's own noise is about `noise`; the total's halves are averaged, so that a side's
        # own parts count 1/sqrt(2) of their size in it, and a side is a fifth noisier than the total.
        for second in range(seconds):
            bid_share, ask_share = shape(second)
            drift = self.drift * slow.step()
            shared = 0.75 * common.step()
            bid_log = self.noise * (shared + 0.75 * bid_own.step() + 0.55 * bid_fast.step())
            ask_log = self.noise * (shared + 0.75 * ask_own.step() + 0.55 * ask_fast.step())
            bid = self.depth * bid_share * exp(drift + bid_log)
            ask = self.depth * ask_share * exp(drift + ask_log)
            yield reading(
                START + second * SECOND,
                bid=bid,
                ask=ask,
                spread_bps=1.0 * exp(self.noise * wide.step()) / (bid_share * ask_share) ** 0.25,
                sell=3.0 * exp(self.noise * sell_own.step() - bid_log) / bid_share,
                buy=3.0 * exp(self.noise * buy_own.step() - ask_log) / ask_share,
                # The other bands would only take time.
                bands=(10,),
                imbalance=max(-1.0, min(1.0, 0.15 * tilt.step())),
                frame=second + 1,
            )
