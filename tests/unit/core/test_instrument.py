"""What a venue lists, and the scales that hold it exactly."""

from decimal import Decimal

import pytest

from tidegauge.core.instrument import (
    BookId,
    Instrument,
    InstrumentKind,
    base_and_quote,
    decimals,
)


def instrument(tick: str, step: str, contract: str = "1") -> Instrument:
    return Instrument(
        venue="binance",
        name="BTCUSDT",
        kind=InstrumentKind.SPOT,
        base="BTC",
        quote="USDT",
        tick=Decimal(tick),
        step=Decimal(step),
        contract_value=Decimal(contract),
    )


@pytest.mark.parametrize(
    ("text", "places"),
    [("1", 0), ("100", 0), ("1E+3", 0), ("0.10", 1), ("0.00000001", 8), ("2.50", 1), ("0", 0)],
)
def test_decimals_counts_the_places_a_number_needs(text: str, places: int) -> None:
    """Trailing zeros are not needed; a large tick needs none."""
    assert decimals(Decimal(text)) == places


@pytest.mark.parametrize("text", ["NaN", "Infinity"])
def test_decimals_refuses_what_is_no_number(text: str) -> None:
    """A tick that is not finite is an error here, not a scale."""
    with pytest.raises(TypeError):
        decimals(Decimal(text))


def test_scales_hold_every_price_and_every_size_in_base() -> None:
    """A size is step times contract value: its places add up."""
    contracts = instrument("0.10", "0.1", "0.01")
    assert contracts.price_scale == 1
    assert contracts.size_scale == 3


def test_a_book_is_named_by_venue_and_symbol() -> None:
    """The name is what logs and views show."""
    assert str(BookId("bybit-linear", "ETHUSDT")) == "bybit-linear/ETHUSDT"


@pytest.mark.parametrize(
    ("symbol", "base", "quote"),
    [
        ("BTCUSDT", "BTC", "USDT"),
        ("BTCUSD", "BTC", "USD"),
        ("USDTUSDC", "USDT", "USDC"),
        ("ETHBTC", "ETH", "BTC"),
        ("USDT", "USDT", ""),
        ("BTC", "BTC", ""),
    ],
)
def test_a_symbol_is_read_as_base_and_quote(symbol: str, base: str, quote: str) -> None:
    """A venue that writes BTC-USDT wants both; what is no pair has no quote."""
    assert base_and_quote(symbol) == (base, quote)
