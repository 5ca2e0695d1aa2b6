"""Numbered trades: each is told once, and what is missing is noted."""

from hypothesis import given
from hypothesis import strategies as st

from tidegauge.core.events import Trade
from tidegauge.core.reading import Taker
from tidegauge.wire.protocol import Note
from tidegauge.wire.trades import PATIENCE, TradeNumbers


def trade(number: int, instrument: str = "AAA") -> tuple[int, Trade]:
    return number, Trade(
        instrument=instrument, taker=Taker.BUY, price="1", size="1", id=str(number)
    )


def test_a_repeated_trade_is_told_once() -> None:
    """Newest first or oldest first, the new ones come out in order."""
    numbers = TradeNumbers()
    assert numbers.told([trade(7), trade(6)]) == [trade(6)[1], trade(7)[1]]
    assert numbers.told([trade(6), trade(7), trade(8)]) == [trade(8)[1]]


def test_old_news_is_told_only_where_it_was_missed() -> None:
    """On the first subscription it is known to be old; on the next it fills the hole."""
    numbers = TradeNumbers()
    numbers.begin("AAA", 10)
    assert numbers.told([trade(9), trade(10)]) == []
    numbers.begin("AAA", 12)
    assert numbers.told([trade(11), trade(12)]) == [trade(11)[1], trade(12)[1]]


def test_missing_trades_are_noted() -> None:
    """Found by the next trade or by the venue's own word, and once."""
    numbers = TradeNumbers()
    numbers.told([trade(1)])
    missed = Note(kind="trades_missed", instrument="AAA", detail="2")
    assert numbers.told([trade(4)]) == [missed, trade(4)[1]]
    assert numbers.reached("AAA", 6) == [missed]
    assert numbers.reached("AAA", 6) == []
    assert numbers.reached("BBB", 6) == []


@given(st.lists(st.lists(st.integers(1, 40), max_size=5), max_size=20))
def test_no_trade_is_told_twice_or_out_of_order(frames: list[list[int]]) -> None:
    """Whatever comes in which order."""
    numbers = TradeNumbers()
    told = [
        int(output.id)
        for frame in frames
        for output in numbers.told(trade(number) for number in frame)
        if isinstance(output, Trade)
    ]
    assert told == sorted(set(told))


def test_a_damaged_number_does_not_hide_all_trades_after_it() -> None:
    """After many old ones in a row it is the last number that is wrong."""
    numbers = TradeNumbers()
    numbers.told([trade(1)])
    numbers.told([trade(10**18)])
    told = [numbers.told([trade(number)]) for number in range(2, PATIENCE + 10)]
    assert told[:PATIENCE] == [[]] * PATIENCE
    assert told[PATIENCE:] == [[trade(number)[1]] for number in range(PATIENCE + 2, PATIENCE + 10)]
