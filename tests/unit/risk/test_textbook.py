"""The detector we compare with: as it is written in textbooks, its faults included."""

import statistics
from typing import Any

from tests.support.markets import START, one_sided, reading

from tidegauge.core.instrument import SECOND
from tidegauge.risk.textbook import TextbookDetector


def alerts(detector: TextbookDetector, depths: list[float], since: int = 0) -> list[int]:
    """Return the seconds at which it alerts."""
    return [
        second
        for second, depth in enumerate(depths, since)
        if detector.observe(
            reading(START + second * SECOND, bid=depth, ask=depth), START + second * SECOND
        )
    ]


def test_it_judges_by_the_z_score_of_a_window_that_holds_the_value() -> None:
    """Of 100 samples the last one lies more than three deviations below, or just does not."""
    calm = [3e6 + 1e5 * (-1) ** second for second in range(99)]
    for last in (2.68e6, 2.67e6, 2.66e6, 2.6e6):
        z = (last - statistics.fmean([*calm, last])) / statistics.pstdev([*calm, last])
        assert (99 in alerts(TextbookDetector(), [*calm, last])) == (z < -3)


def test_it_says_nothing_of_less_than_thirty_samples() -> None:
    """And nothing where nothing varies."""
    assert alerts(TextbookDetector(), [3e6] * 28 + [1e3]) == []
    assert alerts(TextbookDetector(), [3e6] * 400) == []


def test_it_goes_quiet_while_a_crunch_lasts() -> None:
    """The fault that ours is there to avoid: the crunch becomes the new normal."""
    calm = [3e6 + 1e5 * (-1) ** second for second in range(400)]
    found = alerts(TextbookDetector(), calm + [1.2e6] * 300)
    assert found[0] == 400
    assert len(found) < 60


def test_spread_and_imbalance_alert_too() -> None:
    """Either way for imbalance; a side that is missing tells nothing."""
    books: list[dict[str, Any]] = [{"spread_bps": 9.0}, {"imbalance": 0.9}, {"imbalance": -0.9}]
    for book in books:
        detector = TextbookDetector()
        for second in range(50):
            odd = (-1) ** second
            at = START + second * SECOND
            calm = reading(at, spread_bps=1.0 + 0.1 * odd, imbalance=0.1 * odd)
            assert not detector.observe(calm, at)
        assert detector.observe(reading(START + 50 * SECOND, **book), START + 50 * SECOND)
    assert not detector.observe(one_sided(START + 51 * SECOND), START + 51 * SECOND)
