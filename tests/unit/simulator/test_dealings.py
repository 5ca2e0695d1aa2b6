"""What is told beside a generated book: plausible, seeded, and without effect on the market."""

from tidegauge.core.instrument import HOUR, SECOND
from tidegauge.simulator.dealings import Dealings, next_funding, spell_rate
from tidegauge.simulator.listing import listing
from tidegauge.simulator.market import MarketBook


def dealings(symbol: str = "BTCUSDT", seed: int = 1) -> Dealings:
    return Dealings(MarketBook(listing("binance", symbol), seed), seed)


def test_trades_are_made_at_the_touch_and_counted() -> None:
    """A buyer takes from the asks, no more than stands there; numbers have no hole."""
    it = dealings()
    deals = []
    for beat in range(1, 2000):
        it.book.advance(beat * SECOND // 20)
        for deal in it.deals(beat * SECOND // 20):
            assert deal.tick == (it.book.best_ask if deal.bought else it.book.best_bid)
            standing = it.book.asks if deal.bought else it.book.bids
            assert 1 <= deal.lots <= 1 + standing[deal.tick]
            deals.append(deal)
    assert 100 < len(deals) < 400
    numbers = [deal.number for deal in deals]
    assert numbers == [*range(numbers[0], numbers[0] + len(numbers))]
    assert {deal.bought for deal in deals} == {True, False}


def test_the_same_seed_makes_the_same_trades() -> None:
    """And another seed others."""
    first, same, other = (dealings(seed=seed).deals(9 * SECOND) for seed in (1, 1, 2))
    assert first == same != other


def test_nobody_makes_up_for_trades_that_nobody_watched() -> None:
    """After an hour of standing still there is no flood."""
    it = dealings()
    assert len(it.deals(HOUR)) <= 20
    assert it.deals(HOUR) == []


def test_a_thin_book_trades_less() -> None:
    """A tenth as often."""
    rates = [
        sum(len(it.deals(second * SECOND)) for second in range(600))
        for it in (dealings("BTCUSDT"), dealings("NEXOUSDT"))
    ]
    assert rates[0] > 5 * rates[1] > 0


def test_positions_are_closed_by_force_now_and_then() -> None:
    """Rarely enough to be noticed."""
    it = dealings()
    deals = [deal for second in range(3000) for deal in it.deals(second * SECOND)]
    assert 0 < sum(deal.liquidation for deal in deals) < len(deals) / 100


def test_marks_are_near_the_book() -> None:
    """The index is the mark without the venue's premium; open interest is never negative."""
    it = dealings()
    assert it.book.best_bid <= it.mark <= it.book.best_ask
    assert abs(it.index / it.mark - 1) < 0.01
    assert it.open_interest > 0
    assert abs(float(it.funding)) < 0.01


def test_funding_is_spelt_exactly_and_paid_thrice_a_day() -> None:
    """Eight decimals, a sign where it is negative."""
    assert [spell_rate(units) for units in (0, 12_345, -7)] == [
        "0.00000000",
        "0.00012345",
        "-0.00000007",
    ]
    assert next_funding(0) == 8 * HOUR
    assert next_funding(8 * HOUR - 1) == 8 * HOUR
    assert next_funding(8 * HOUR) == 16 * HOUR
