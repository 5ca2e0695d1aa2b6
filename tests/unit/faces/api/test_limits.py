"""An allowance that fills up again, for each by its name."""

import pytest

from tidegauge.faces.api.limits import MOST_NAMES, Buckets, retry_after


def test_an_allowance_is_spent_and_fills_up_again() -> None:
    """At its rate, up to the burst and no further."""
    now = [0.0]
    buckets = Buckets(rate=10, burst=3, now=lambda: now[0])
    assert [buckets.wait("a") for _ in range(4)] == [0, 0, 0, pytest.approx(0.1)]
    now[0] = 0.1
    assert [buckets.wait("a") for _ in range(2)] == [0, pytest.approx(0.1)]
    now[0] = 100.0
    assert sum(buckets.wait("a") == 0 for _ in range(10)) == 3


def test_one_that_goes_on_asking_is_served_at_the_rate() -> None:
    """Being refused costs nothing."""
    now = [0.0]
    buckets = Buckets(rate=16, burst=1, now=lambda: now[0])
    served = 0
    for step in range(1_024):
        now[0] = step / 128
        served += buckets.wait("a") == 0
    assert served == 1_024 / 128 * 16


def test_names_do_not_share_and_do_not_pile_up() -> None:
    """The one that asked longest ago is forgotten."""
    buckets = Buckets(rate=1, burst=1, now=lambda: 0.0)
    assert buckets.wait("first") == 0
    assert buckets.wait("other") == 0
    assert buckets.wait("first") > 0
    for number in range(MOST_NAMES):
        buckets.wait(str(number))
    assert buckets.wait("first") == 0


@pytest.mark.parametrize(("seconds", "said"), [(0.001, "1"), (1.0, "1"), (1.2, "2")])
def test_retry_after_is_whole_seconds_that_are_enough(seconds: float, said: str) -> None:
    """Whoever waits so long is served."""
    assert retry_after(seconds) == {"retry-after": said}
