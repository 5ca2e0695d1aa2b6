"""How much is held, as people write it."""

from decimal import Decimal

import pytest

from tidegauge.core.errors import OperatorError
from tidegauge.faces.desk.exposure import amount_of, asset_of, not_seen


@pytest.mark.parametrize(
    ("text", "amount"),
    [("250000", "250000"), ("250k", "250000"), ("1.5M", "1500000.0"), ("0", "0"), ("0.01", "0.01")],
)
def test_an_amount_is_read_exactly(text: str, amount: str) -> None:
    """Thousands and millions by their letter; nothing held is an amount."""
    assert amount_of(text) == Decimal(amount)


@pytest.mark.parametrize("text", ["", "k", "lots", "-1", "nan", "inf", "1e99", "1,000", "1 k k"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    """One clear line."""
    with pytest.raises(OperatorError, match="is no amount"):
        amount_of(text)


def test_an_amount_is_0_or_more_and_a_long_one_is_not_repeated() -> None:
    """The way out is said, and the line stays one."""
    with pytest.raises(OperatorError, match=r"'-5' is no amount\. Write 0 or more"):
        amount_of("-5")
    with pytest.raises(OperatorError) as refused:
        amount_of("9x" * 2_000)
    assert len(str(refused.value)) < 200


def test_an_asset_that_no_symbol_has_is_refused_with_the_nearest() -> None:
    """Or with some of those there are."""
    assert "Did you mean 'USDT'?" in str(not_seen("USTD", ["BTC", "ETH", "USDT"]))
    assert "There are A1, A2, A3, A4, A5, ...; --force" in str(
        not_seen("NOPE", [f"A{number}" for number in range(1, 8)])
    )
    assert "There are none yet;" in str(not_seen("BTC", []))


def test_an_asset_is_a_short_name_in_capitals() -> None:
    """Any spelling of it is the same one."""
    assert asset_of(" btc ") == "BTC"
    for text in ("", "B T C", "x" * 21, "B\x1b", "-BTC"):
        with pytest.raises(OperatorError, match="is no asset"):
            asset_of(text)
