"""Finding venues by name."""

import pytest

from tidegauge.core.errors import OperatorError
from tidegauge.core.instrument import InstrumentKind
from tidegauge.venues import load, resolve


def names(*asked: str) -> list[str]:
    return [spec.name for spec in resolve(asked)]


def test_every_module_of_the_package_is_found() -> None:
    """Adding a venue is adding a file."""
    ours = {"binance", "binance-futures", "binance-coinm", "bybit-spot", "bybit-linear"}
    assert ours | {"hyperliquid"} <= {*load()}


def test_what_is_loaded_is_the_callers_own() -> None:
    """Taking a venue out of it does not take it away from others."""
    load().clear()
    assert load()


def test_a_venue_is_found_by_its_name() -> None:
    """In the order asked for, whatever the case, each once."""
    assert names("Hyperliquid", " binance ", "binance") == ["hyperliquid", "binance"]


def test_a_family_means_all_of_its_markets() -> None:
    """`bybit` is no venue of its own."""
    assert sorted(names("bybit")) == ["bybit-linear", "bybit-spot"]


def test_a_venues_own_name_goes_before_its_familys() -> None:
    """`binance` is the spot market, as it always was."""
    assert names("binance") == ["binance"]
    assert resolve(["binance"])[0].kind is InstrumentKind.SPOT


def test_an_unknown_venue_is_an_operators_error_with_the_nearest_name() -> None:
    """The message says what to type instead."""
    with pytest.raises(OperatorError, match=r"'binanse'.*Did you mean 'binance'"):
        resolve(["binanse"])


def test_a_name_like_no_other_lists_what_there_is() -> None:
    """Where nothing is near."""
    with pytest.raises(OperatorError, match=r"Known: .*hyperliquid"):
        resolve(["zzz"])
