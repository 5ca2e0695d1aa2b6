"""What is measured: sorted, without repeats, and never nothing."""

from decimal import Decimal

import pytest

from tidegauge.risk.plan import MeasurePlan


def test_what_is_asked_twice_is_measured_once_and_in_order() -> None:
    """A reference notional may be one of the configured sizes."""
    plan = MeasurePlan(bands=(50, 10), notionals=(Decimal(7), Decimal(3)), max_size_bps=(9, 9))
    more = plan.adding(notionals=(Decimal("3.0"), Decimal(5)), bands=(10, 25))
    assert (plan.bands, plan.max_size_bps) == ((10, 50), (9,))
    assert more.notionals == (Decimal(3), Decimal(5), Decimal(7))
    assert more.bands == (10, 25, 50)


@pytest.mark.parametrize(
    "wrong",
    [
        {"bands": (0,)},
        {"max_size_bps": (10_000,)},
        {"notionals": (Decimal(0),)},
        {"notionals": (Decimal("NaN"),)},
        {"imbalance_levels": 0},
    ],
)
def test_a_number_that_asks_nothing_is_refused(wrong: dict[str, object]) -> None:
    """Where it is set, not in the middle of a crunch."""
    with pytest.raises(ValueError, match="must"):
        MeasurePlan(**wrong)  # type: ignore[arg-type]
