"""How cost grows: the exponent of a power, and growth beside a logarithm's."""

import pytest
from benchmarks.growth import exponent, grown


def test_the_exponent_is_that_of_the_power_behind_the_points() -> None:
    """A cost that does not grow has none."""
    sizes = (100, 1_000, 10_000)
    power = [{"levels": size, "ours": size**0.5, "flat": 7.0} for size in sizes]
    assert exponent(power, "levels", "ours") == pytest.approx(0.5)
    assert exponent(power, "levels", "flat") == pytest.approx(0.0)


def test_growth_is_told_from_end_to_end() -> None:
    """A cost that grows with the logarithm grows as many times as that."""
    points = [{"levels": 100, "tidegauge": 20.0}, {"levels": 10_000, "tidegauge": 40.0}]
    assert grown(points) == {"cost": 2.0, "logarithm": 2.0, "size": 100.0}
