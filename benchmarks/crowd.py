"""Tapes for many books: a few generated ones, told under many names."""

from collections.abc import Sequence
from dataclasses import dataclass

from .product import book_name
from .tape import Shape, Tape, always, generate

DIFFERENT = 8
"""Tapes that are generated; book number n plays tape n modulo as many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Venue:
    """What a venue tells of a busy book, from recordings: messages a second, changes a message."""

    name: str
    rate: float
    changes: int


VENUES = (
    Venue(name="Binance spot", rate=10.0, changes=46),
    Venue(name="Binance USD-M", rate=19.0, changes=68),
    Venue(name="Bybit", rate=8.0, changes=11),
    Venue(name="OKX", rate=8.2, changes=28),
    Venue(name="Coinbase", rate=15.0, changes=58),
    Venue(name="Kraken", rate=15.0, changes=2),
)
EVEN = (Venue(name="even", rate=10.0, changes=10),)


@dataclass(slots=True)
class Crowd:
    """So many books, each with the snapshot it begins with and the frames that follow."""

    venues: list[Venue]
    snapshots: list[bytes]
    frames: list[list[bytes]]

    @property
    def firsts(self) -> list[bytes]:
        """The frames that join the snapshots."""
        return [frames[0] for frames in self.frames]

    @property
    def rate(self) -> float:
        """Messages a second of all books."""
        return sum(venue.rate for venue in self.venues)


def gather(books: int, venues: Sequence[Venue], *, levels: int, seconds: float) -> Crowd:
    """Return books that take the venues in turn, with frames for so many seconds."""
    crowd = Crowd([], [], [])
    tapes: dict[tuple[str, int], Tape] = {}
    for number in range(books):
        venue = venues[number % len(venues)]
        key = venue.name, number % DIFFERENT
        if key not in tapes:
            shape = Shape(levels=levels, changes=always(venue.changes))
            tapes[key] = generate(shape, max(2, int(venue.rate * seconds)), seed=number)
        name = book_name(number)
        crowd.venues.append(venue)
        crowd.snapshots.append(tapes[key].snapshot)
        crowd.frames.append([_renamed(frame, name) for frame in tapes[key].frames])
    return crowd


def _renamed(frame: bytes, name: str) -> bytes:
    """Return the frame under another instrument's name, in its stream and in its text."""
    told = frame.replace(b"btcusdt@", f"{name.lower()}@".encode(), 1)
    return told.replace(b'"BTCUSDT"', f'"{name}"'.encode(), 1)
