"""What may be silenced."""

import pytest

from tidegauge.core.alert import Severity
from tidegauge.core.errors import OperatorError
from tidegauge.faces.desk.silence import matched, matcher_of, one_of, state_of


def test_a_matcher_holds_each_name_once_in_our_spelling() -> None:
    """Patterns stay patterns; severities are those that fit."""
    made = matcher_of(["liquidity_*"], ["btcusdt", "BTCUSDT"], ["okx", "okx"], ["h*", "critical"])
    assert made.signals == ("liquidity_*",)
    assert made.symbols == ("BTCUSDT",)
    assert made.venues == ("okx",)
    assert made.severities == (Severity.HIGH, Severity.CRITICAL)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (([], [], [], []), "Nothing says what to silence"),
        ((["crash*"], [], [], []), "--signal 'crash\\*' fits nothing there is"),
        (([], [], ["okex"], []), "--venue 'okex' fits nothing there is. There are binance"),
        (([], [], [], ["severe"]), "--severity 'severe' fits nothing there is. There are critical"),
        (([""], [], [], []), "--signal '' fits nothing"),
    ],
)
def test_what_nothing_can_fit_is_refused(given: tuple[list[str], ...], said: str) -> None:
    """A silence that silences nothing is believed in until the pager goes off; all must be meant."""
    with pytest.raises(OperatorError, match=said):
        matcher_of(*given)


def test_a_silence_is_named_by_the_beginning_of_its_id() -> None:
    """As long as it is the only one."""
    rows = [{"id": "8f0c-1"}, {"id": "8f0c-12"}, {"id": "aa"}]
    assert one_of("a", rows) == "aa"
    assert one_of("8f0c-1", rows) == "8f0c-1"
    for name, said in (
        ("8f", "several silences are meant"),
        ("x", "no silence"),
        ("", "no silence"),
    ):
        with pytest.raises(OperatorError, match=said):
            one_of(name, rows)


def test_what_it_applies_to_is_written_as_it_was_ordered() -> None:
    """An empty field asks nothing, and is not told."""
    row = {"signals": [], "symbols": ["BTC*", "ETH*"], "venues": ["okx"], "severities": []}
    assert matched(row) == "symbol BTC* or ETH*, venue okx"
    assert state_of({"ended_by": "tom", "state": "over"}) == "ended by tom"
    assert state_of({"ended_by": None, "state": "in force"}) == "in force"
