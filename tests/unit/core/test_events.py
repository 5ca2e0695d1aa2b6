"""Events are records of what was said: frozen, keyword-only, and light."""

from typing import get_args

import pytest
from msgspec import Struct

from tidegauge.core.events import (
    BookDelta,
    BookEvent,
    BookSnapshot,
    FeedEvent,
    FeedEventKind,
    MarketEvent,
)


@pytest.mark.parametrize("kind", [*get_args(BookEvent), *get_args(MarketEvent)])
def test_an_event_is_frozen_slotted_and_keyword_only(kind: type[Struct]) -> None:
    """What was said does not change, and a wrong order of arguments is impossible."""
    assert kind.__struct_config__.frozen
    with pytest.raises(TypeError, match="positional"):
        kind("BTCUSDT")
    assert "__dict__" not in dir(kind)


def test_levels_stay_the_text_of_the_wire() -> None:
    """An event holds the very tuples the decoder made: no object is built for a level."""
    bids = (("1.50", "2"),)
    delta = BookDelta(instrument="X", bids=bids, asks=(), sequence=1)
    assert delta.bids is bids
    with pytest.raises(AttributeError, match="immutable"):
        delta.sequence = 2  # type: ignore[misc]


def test_a_snapshot_without_a_limit_is_the_whole_book() -> None:
    """Neither limit nor window: the venue sends all there is."""
    snapshot = BookSnapshot(instrument="X", bids=(), asks=(), sequence=1)
    assert snapshot.limit is None
    assert snapshot.window is None


def test_a_feed_event_of_the_whole_venue_names_no_instrument() -> None:
    """A connect concerns every book of its link."""
    event = FeedEvent(kind=FeedEventKind.CONNECTED, venue="binance", at=1, trace="binance/1/0")
    assert event.instrument is None
    assert str(event.kind) == "connected"
