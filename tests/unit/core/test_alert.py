"""Alerts are named by their opening, and ranked by severity."""

from hypothesis import given
from hypothesis import strategies as st

from tidegauge.core.alert import Action, AlertKey, AlertState, Severity, alert_id

KEY = AlertKey(signal="crunch", symbol="BTCUSDT", venue="binance")


def test_severities_rise_and_read_as_words() -> None:
    """Comparison gives the worse one; people see the word."""
    assert max(Severity.WARNING, Severity.CRITICAL) is Severity.CRITICAL
    assert [str(each) for each in Severity] == ["info", "warning", "high", "critical"]


def test_states_and_actions_are_the_words_that_are_stored() -> None:
    """The database and the API hold these very words."""
    assert [str(each) for each in AlertState] == ["inactive", "pending", "firing", "resolved"]
    assert str(Action.WIDEN_SPREAD) == "widen_spread"


def test_a_key_reads_signal_venue_symbol() -> None:
    """The order an operator scans a list in."""
    assert str(KEY) == "crunch:binance:BTCUSDT"


@given(st.integers(min_value=0, max_value=2**63), st.text(max_size=20))
def test_an_id_is_a_function_of_the_opening(at: int, trace: str) -> None:
    """A replay gives the same id; another opening gives another."""
    assert alert_id(KEY, at, trace) == alert_id(KEY, at, trace)
    assert alert_id(KEY, at, trace) != alert_id(KEY, at, f"{trace}x")
    assert alert_id(KEY, at, trace) != alert_id(KEY, at + 1, trace)


def test_ids_sort_by_their_opening_time() -> None:
    """The time comes first, so that a list of ids is a timeline."""
    first = alert_id(KEY, 1_700_000_000_000_000_000, "a")
    assert first.startswith(f"{1_700_000_000_000:x}-")
    assert first < alert_id(KEY, 1_700_000_000_001_000_000, "a")
