"""The clock of the monitor."""

from tidegauge.runtime.clock import MachineClock


def test_neither_reading_goes_back() -> None:
    """Two readings one after the other are in order."""
    clock = MachineClock()
    assert clock.now() <= clock.now()
    assert clock.steady() <= clock.steady()
