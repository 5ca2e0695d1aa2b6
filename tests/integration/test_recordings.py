"""Recorded files, served by the local venue servers and read by the whole monitor over sockets.

The figures, and what they count, are those of the recordings' own checker (manifest.json): an
update is counted when it comes after the snapshot and a bookTicker with an id up to its own, and
one after it, are in the recording.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.support.oracle import TouchOracle, touch_of
from tests.support.recordings import BINANCE, BYBIT_FILE, HYPERLIQUID_FILE, Recording, tape_lines
from tests.support.served import Watched, watch_recordings

from tidegauge.core.events import FeedEventKind
from tidegauge.core.instrument import Nanos
from tidegauge.core.keeper import BookKeeper
from tidegauge.core.trust import Trust
from tidegauge.simulator.recorded import recorded as recorded_venue

pytestmark = pytest.mark.recorded

UNWANTED = (
    FeedEventKind.GAP,
    FeedEventKind.RESYNC,
    FeedEventKind.OVERFLOW,
    FeedEventKind.MALFORMED,
    FeedEventKind.DISCONNECTED,
    FeedEventKind.REJECTED,
    FeedEventKind.QUARANTINED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """How many of a recording's updates can be compared, and how many at least agree."""

    recording: Recording
    counted: int
    equal: int


FIGURES = [
    Figure(recording=recording, counted=counted, equal=equal)
    for recording, counted, equal in zip(
        BINANCE,
        # The two of BTCUSDT are the recorder's: bookTickers it did not get.
        (6_492, 6_468, 6_546, 6_579, 42_341),
        (6_490, 6_468, 6_546, 6_579, 42_341),
        strict=True,
    )
]


def assert_undisturbed(watched: Watched) -> None:
    """Nothing was lost, refused or started over between the first frame and the last."""
    assert watched.told(*UNWANTED) == []
    for venue in watched.view.venues:
        counts = (venue.connects, venue.gaps, venue.resyncs, venue.malformed, venue.quarantined)
        assert counts == (len(venue.links), 0, 0, 0, None), venue


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.recording.file)
async def test_every_update_agrees_with_the_best_prices_binance_told(
    figure: Figure, recorded: Path
) -> None:
    """Price and size of both sides, after every update, over a real socket."""
    recording = figure.recording
    oracle = TouchOracle(tape_lines(recorded, recording.file))
    dialect = recorded_venue(recording.venue, tape_lines(recorded, recording.file))

    watched = await watch_recordings({recording.venue: dialect}, observer=oracle)

    assert oracle.equal + len(oracle.different) == figure.counted
    assert oracle.equal >= figure.equal, oracle.different[:5]
    assert oracle.crossed == 0
    assert_undisturbed(watched)
    # Each was read by itself; samples, of which a fast machine takes none, come on top.
    assert watched.view.conflated == 0
    assert watched.view.readings >= figure.counted


@dataclass(slots=True)
class Seen:
    """Counts the applied updates of each book, and those that left it crossed."""

    updates: Counter[str]
    crossed: int = 0

    def __call__(self, keeper: BookKeeper, now: Nanos) -> None:
        self.updates[f"{keeper.instrument.venue}/{keeper.instrument.name}"] += 1
        self.crossed += keeper.book.crossed


@pytest.mark.parametrize(
    ("venue", "name", "updates"),
    [
        ("bybit-linear", "BTCUSDT", 414),
        ("bybit-linear", "ETHUSDT", 421),
        ("bybit-spot", "BTCUSDT", 300),
        ("bybit-spot", "ETHUSDT", 250),
    ],
)
async def test_each_of_bybits_books_reaches_the_last_frame(
    venue: str, name: str, updates: int, recorded: Path
) -> None:
    """Both books of a socket are served together; every frame of this one is applied."""
    dialect = recorded_venue(venue, tape_lines(recorded, BYBIT_FILE))
    reel = dialect.reels[name]
    seen = Seen(Counter())

    watched = await watch_recordings({venue: dialect}, observer=seen, within_s=60)

    keeper = watched.keepers[f"{venue}/{name}"]
    assert seen.updates[f"{venue}/{name}"] == len(reel.updates) == updates
    assert (keeper.trust, keeper.sequence) == (Trust.LIVE, reel.updates[-1].update)
    assert (len(keeper.book.bids), len(keeper.book.asks)) == (200, 200)
    assert touch_of(keeper.book) == touch_of(reel.book()[1])
    assert seen.crossed == 0
    assert_undisturbed(watched)


async def test_hyperliquids_book_reaches_the_last_frame(recorded: Path) -> None:
    """Every frame is a whole book, one of them told twice; the last one is what remains."""
    venue = "hyperliquid"
    dialect = recorded_venue(venue, tape_lines(recorded, HYPERLIQUID_FILE))
    reel = dialect.reels["BTC"]
    seen = Seen(Counter())

    watched = await watch_recordings({venue: dialect}, observer=seen, within_s=60)

    keeper = watched.keepers[f"{venue}/BTC"]
    assert seen.updates[f"{venue}/BTC"] == len(reel.updates) == 26
    assert (keeper.trust, keeper.sequence) == (Trust.LIVE, reel.updates[-1].update)
    assert touch_of(keeper.book) == touch_of(reel.book()[1])
    assert seen.crossed == 0
    assert watched.told(*UNWANTED) == []


async def test_every_recorded_venue_can_be_watched_at_once(recorded: Path) -> None:
    """Five markets over their own sockets into one monitor, none in the way of another."""
    files = {
        "binance": BINANCE[1].file,
        "binance-futures": BINANCE[3].file,
        "bybit-spot": BYBIT_FILE,
        "bybit-linear": BYBIT_FILE,
        "hyperliquid": HYPERLIQUID_FILE,
    }
    dialects = {
        venue: recorded_venue(venue, tape_lines(recorded, file, most=6_000))
        for venue, file in files.items()
    }

    watched = await watch_recordings(dialects)

    assert len(watched.keepers) == 7
    assert {keeper.trust for keeper in watched.keepers.values()} == {Trust.LIVE}
    assert watched.told(*UNWANTED) == []
