"""Every error says what it calls for."""

import pytest

from tidegauge.core import errors
from tidegauge.core.errors import (
    BookInvariantError,
    FeedError,
    MalformedFrame,
    OperatorError,
    Remedy,
    SequenceGap,
    SubscriptionRejected,
    TidegaugeError,
    VenueRefused,
)


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (FeedError("x"), Remedy.RECONNECT),
        (MalformedFrame("x"), Remedy.RESYNC),
        (SequenceGap(expected=2, received=4), Remedy.RESYNC),
        (SubscriptionRejected("x"), Remedy.RETIRE),
        (VenueRefused("x"), Remedy.QUARANTINE),
    ],
)
def test_a_feed_error_carries_its_remedy(error: FeedError, remedy: Remedy) -> None:
    """The supervisor reads the remedy; it does not guess from the class."""
    assert error.remedy is remedy


def test_a_gap_tells_what_was_expected_and_what_came() -> None:
    """Fields for the record, and a sentence for people."""
    gap = SequenceGap(expected=7, received=9, instrument="BTCUSDT")
    assert (gap.expected, gap.received, gap.instrument) == (7, 9, "BTCUSDT")
    assert str(gap) == "expected update 7, received 9"


def test_an_operator_error_ends_with_the_way_out() -> None:
    """One line: what is wrong, then what to do."""
    assert str(OperatorError("Port 80 is in use")) == "Port 80 is in use"
    error = OperatorError("Port 80 is in use", fix="Choose another with --port.")
    assert str(error) == "Port 80 is in use. Choose another with --port."
    assert (error.what, error.fix) == ("Port 80 is in use", "Choose another with --port.")


def test_every_error_of_ours_has_one_root_and_is_in_the_tree() -> None:
    """The tree drawn at the top of the module is the tree there is."""
    ours = [each for each in vars(errors).values() if isinstance(each, type)]
    raised = [each for each in ours if issubclass(each, Exception)]
    assert all(issubclass(each, TidegaugeError) for each in raised)
    assert all(each.__name__ in (errors.__doc__ or "") for each in raised)
    assert not issubclass(BookInvariantError, FeedError)
