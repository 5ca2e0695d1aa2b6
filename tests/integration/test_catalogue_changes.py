"""Instruments that come and go at a venue, and a venue that refuses for a while."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.apps import QUICK, replace_spec, settings_for, watching
from tests.support.database import until

from tidegauge.core.errors import VenueRefused
from tidegauge.core.events import FeedEventKind
from tidegauge.core.instrument import Instrument, InstrumentStatus
from tidegauge.core.trust import Trust, TrustReason
from tidegauge.runtime.local_venues import LocalVenues
from tidegauge.wire.protocol import VenueSpec

NAMES = ("bybit-spot",)
TWO = ("bybit-spot", "binance")
BOTH = ("BTCUSDT", "ETHUSDT")
OFTEN = QUICK.model_copy(update={"catalogue_every_s": 0.2, "refused_retry_s": 0.5})


class Registry:
    """What a venue's catalogue is said to list, whatever it says itself."""

    def __init__(self) -> None:
        self.hidden: set[str] = set()
        self.delisted: set[str] = set()

    def over(self, spec: VenueSpec) -> VenueSpec:
        def parse(body: bytes) -> list[Instrument]:
            found = [each for each in spec.parse_catalogue(body) if each.name not in self.hidden]
            return [
                replace(each, status=InstrumentStatus.DELISTED)
                if each.name in self.delisted
                else each
                for each in found
            ]

        return replace(spec, parse_catalogue=parse)


async def test_what_is_delisted_is_let_go_and_what_appears_is_watched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The catalogue is read again; the books of the others go on."""
    registry = Registry()
    registry.hidden = {"ETHUSDT"}
    replace_spec(monkeypatch, "bybit-spot", registry.over)
    async with (
        LocalVenues(venues=TWO, symbols=BOTH) as venues,
        watching(
            settings_for(venues.endpoints, tmp_path, feed=OFTEN), TWO, symbols=BOTH
        ) as watched,
    ):

        def watches(count: int) -> bool:
            books = [b for b in watched.app.view().books if b.id.venue == "bybit-spot"]
            return len(books) == count and all(book.trust is Trust.LIVE for book in books)

        assert watches(1)
        registry.hidden = set()
        await until(lambda: watches(2))
        assert watched.told(FeedEventKind.ADDED, "bybit-spot", "ETHUSDT")
        assert not [event for event in watched.events if event.trust is Trust.UNTRUSTED]
        registry.delisted = {"BTCUSDT"}
        await until(lambda: bool(watched.told(FeedEventKind.DELISTED, "bybit-spot", "BTCUSDT")))
        last = watched.told(FeedEventKind.TRUST, "bybit-spot", "BTCUSDT")[-1]
        assert (last.trust, last.reason) == (Trust.UNTRUSTED, TrustReason.DELISTED)
        await until(lambda: watches(1))
        registry.delisted = set()
        await until(lambda: watches(2))


async def test_a_catalogue_that_is_suddenly_empty_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A venue under maintenance may list nothing at all; no book is let go for it."""
    registry = Registry()
    replace_spec(monkeypatch, "bybit-spot", registry.over)
    async with (
        LocalVenues(venues=NAMES, symbols=BOTH) as venues,
        watching(
            settings_for(venues.endpoints, tmp_path, feed=OFTEN), NAMES, symbols=BOTH
        ) as watched,
    ):
        registry.hidden = set(BOTH)
        keeper = watched.keeper("bybit-spot")
        updates = keeper.updates
        await until(lambda: keeper.updates > updates + 20)
        assert len(watched.app.view().books) == 2
        assert not watched.told(FeedEventKind.DELISTED, "bybit-spot")


async def test_a_venue_that_refuses_is_asked_again_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rules change; until then the reason is shown, and the time of the next try."""
    refusing = True

    def over(spec: VenueSpec) -> VenueSpec:
        def parse(body: bytes) -> list[Instrument]:
            if refusing:
                raise VenueRefused("not from here")
            return spec.parse_catalogue(body)

        return replace(spec, parse_catalogue=parse)

    replace_spec(monkeypatch, "bybit-spot", over)
    async with (
        LocalVenues(venues=TWO) as venues,
        watching(
            settings_for(venues.endpoints, tmp_path, feed=OFTEN), TWO, all_live=False
        ) as watched,
    ):
        await until(lambda: watched.seen("bybit-spot").retry_at is not None)
        assert watched.seen("bybit-spot").quarantined == "not from here"
        refusing = False
        await until(lambda: watched.live("bybit-spot"))
        assert watched.seen("bybit-spot").quarantined is None
