"""Markets made of noise: as noisy as they say, and the same for the same seed."""

from itertools import islice
from math import log

import pytest

from tidegauge.core.reading import Reading
from tidegauge.simulator.noise import Market, bleed, calm, step

KINDS = pytest.mark.parametrize("heavy", [False, True], ids=["lognormal", "student-t3"])


def depths(readings: list[Reading]) -> list[float]:
    """Return the total depth of each."""
    bands = [reading.band(10) for reading in readings]
    return [float(band.bid_quote) + float(band.ask_quote) for band in bands if band is not None]


@KINDS
@pytest.mark.parametrize("noise", [0.10, 0.20])
def test_the_noise_of_the_total_depth_is_what_was_asked_for(noise: float, heavy: bool) -> None:
    """Half the middle 68 % of its logs, over an hour, about; drift widens it a little."""
    logs = []
    for seed in range(3):
        market = Market(seed, noise=noise, heavy=heavy)
        logs += sorted(map(log, depths([*market.readings(3_600)])))
    logs.sort()
    spread = (logs[int(0.841 * len(logs))] - logs[int(0.159 * len(logs))]) / 2
    assert noise * 0.75 < spread < noise * 1.5


@KINDS
def test_a_seed_means_one_market(heavy: bool) -> None:
    """Bit for bit; another seed is another one."""
    first, second = (Market(1, heavy=heavy).readings(50) for _ in range(2))
    assert [*first] == [*second]
    assert [*Market(1).readings(5)] != [*Market(2).readings(5)]


def test_a_scenario_takes_depth_and_nothing_else_of_the_noise() -> None:
    """Before its time the market is that of a calm one; then a share is left."""
    plain = depths([*islice(Market(3).readings(20, calm), 20)])
    fallen = depths([*Market(3).readings(20, step(10, 15, 0.4))])
    assert fallen[:10] == plain[:10]
    assert fallen[15:] == plain[15:]
    assert [one / other for one, other in zip(fallen[10:15], plain[10:15], strict=True)] == (
        pytest.approx([0.4] * 5)
    )


def test_shapes_speak_of_sides() -> None:
    """A step of the bids leaves the asks alone; a bleed goes on until little is left."""
    assert step(5, 9, 0.4, sides="bid")(5) == (0.4, 1.0)
    assert step(5, 9, 0.4, sides="ask")(8) == (1.0, 0.4)
    assert step(5, 9, 0.4)(9) == (1.0, 1.0)
    assert bleed(5, 0.1)(4) == (1.0, 1.0)
    assert bleed(5, 0.1)(6) == (0.9, 0.9)
    assert bleed(5, 0.1, sides="ask")(6) == (1.0, 0.9)
    assert bleed(5, 0.1)(500) == (0.05, 0.05)
