"""The sizes of a curve are round, rise by a like factor, and end where the books end."""

import asyncio
import threading
from dataclasses import replace
from decimal import Decimal
from math import ceil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.database import until
from tests.support.pictures import NOW, a_book

from tidegauge.core.instrument import BookId
from tidegauge.risk.quoting import Market
from tidegauge.runtime.window import pricing
from tidegauge.runtime.window.hub import HeldLadder, Hub
from tidegauge.runtime.window.picture import Picture
from tidegauge.runtime.window.pricing import LEAST_CURVE, MOST_MARKETS, market_of, sizes_of
from tidegauge.runtime.window.wire import Terms


@given(st.decimals("0.01", "1e9", places=2), st.integers(2, 200))
def test_the_sizes_of_a_curve_rise_and_are_round(largest: Decimal, points: int) -> None:
    """And go hardly beyond what there is."""
    sizes = sizes_of(largest, points)
    assert sizes
    assert len(sizes) <= points
    assert list(sizes) == sorted(set(sizes))
    assert all(size > 0 and len(size.normalize().as_tuple().digits) <= 2 for size in sizes)
    assert sizes[-1] <= largest * Decimal("1.1")


def test_a_curve_begins_small_and_ends_with_all_there_is() -> None:
    """From a thousand on."""
    sizes = sizes_of(Decimal(5_000_000), 40)
    assert (sizes[0], sizes[-1]) == (LEAST_CURVE, Decimal(5_000_000))


@pytest.mark.parametrize(
    ("rate", "fee", "needed"), [("1", 0.0, 1000), ("0.0008", 0.0, 1_250_000), ("60000", 10.0, 1002)]
)
async def test_levels_are_asked_for_as_deep_as_the_size_is_in_the_quote_of_a_book(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rate: str, fee: float, needed: int
) -> None:
    """A won is worth less than a dollar, and a fee is taken off what a sale brings."""
    terms = Terms(rates={"KRW": Decimal(rate), "JPY": Decimal("0.000001")}, fees={"one": fee})
    book = replace(a_book("one", "BTCUSDT"), quote="KRW")
    monkeypatch.setattr(Hub, "terms", lambda _self, _symbol: terms)
    monkeypatch.setattr(Hub, "picture", lambda _self: Picture(at=NOW, books={"one/BTCUSDT": book}))
    asked: list[Decimal] = []

    async def ladders(
        _self: Hub, books: list[BookId], levels: int, quote: Decimal
    ) -> dict[BookId, HeldLadder]:
        assert (books, levels) == ([BookId("one", "BTCUSDT")], 1)
        asked.append(quote)
        return {}

    monkeypatch.setattr(Hub, "ladders", ladders)
    await market_of(Hub(tmp_path), "BTCUSDT", Decimal(1000))
    assert ceil(asked[0]) == needed


async def test_a_market_that_takes_long_holds_nobody_else_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is made beside the loop, once for all who ask, whoever of them leaves."""
    begun: list[int] = []
    done = threading.Event()

    def slow(*args: Any, **said: Any) -> Market:
        begun.append(1)
        assert done.wait(20)
        return Market(*args, **said)

    monkeypatch.setattr(pricing, "Market", slow)
    hub = Hub(tmp_path)
    first, second = (
        asyncio.create_task(market_of(hub, "BTCUSDT", Decimal(1000))) for _ in range(2)
    )
    await until(lambda: bool(begun))
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    done.set()
    market, _held = await second
    again, _held = await market_of(hub, "BTCUSDT", Decimal(1000))
    assert again is market
    assert begun == [1]


async def test_of_many_symbols_the_latest_markets_are_kept(tmp_path: Path) -> None:
    """Who asks for the price of everything is answered, and fills no memory."""
    hub = Hub(tmp_path)
    names = [f"S{number}USDT" for number in range(MOST_MARKETS + 5)]
    await asyncio.gather(*(market_of(hub, name, Decimal(1000)) for name in names))
    assert [*hub.markets] == names[5:]
    first, _held = await market_of(hub, names[5], Decimal(1000))
    again, _held = await market_of(hub, names[5], Decimal(1000))
    assert again is first


def test_without_a_book_there_is_no_curve() -> None:
    """No sizes at all."""
    assert sizes_of(Decimal(0), 40) == ()
