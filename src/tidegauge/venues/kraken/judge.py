"""Kraken's only check: a CRC32 over the digits of the best ten levels, after every message."""

from collections.abc import Sequence
from zlib import crc32

from tidegauge.core.exact import parse
from tidegauge.core.instrument import Instrument
from tidegauge.core.side import Side, WireLevels
from tidegauge.wire.sequencer import Verdict
from tidegauge.wire.spelled import Changes, SpelledBook

CHECKED_LEVELS = 10
"""Whatever the depth of the subscription."""


class KrakenJudge:
    """One live book, spelt as the venue spells it, to the depth of its subscription.

    `verified` counts the messages whose checksum was right. With `checked` false none is looked at.
    """

    __slots__ = ("_book", "_places", "checked", "verified")

    def __init__(self, book: SpelledBook, places: tuple[int, int], *, checked: bool) -> None:
        self._book = book
        self._places = places
        self.checked = checked
        self.verified = 0

    def judge(self, changes: Changes, told: int) -> Verdict:
        """Apply the changes of the next message, whose checksum is `told`.

        `REFETCH`: the book is not the venue's any more.
        """
        self._book.apply(changes)
        return self.verify(told)

    def verify(self, told: int) -> Verdict:
        """Compare the book as it stands with the checksum that was told of it."""
        if not self.checked:
            return Verdict.APPLY
        if self.found() != told:
            return Verdict.REFETCH
        self.verified += 1
        return Verdict.APPLY

    def found(self) -> int:
        """Return the checksum of the book as it stands."""
        return checksum(self._book, *self._places)


def checksum(book: SpelledBook, price_places: int, size_places: int) -> int:
    """Return the CRC32 of a book: asks from the best up, then bids from the best down.

    docs.kraken.com, "Spot Websockets (v2) - Book Checksum".
    """
    digits = [
        _digits(price, price_places) + _digits(size, size_places)
        for side in (Side.ASK, Side.BID)
        for price, size in book.top(side, CHECKED_LEVELS)
    ]
    return crc32("".join(digits).encode())


def places_of(instrument: Instrument, sides: Sequence[WireLevels]) -> tuple[int, int]:
    """Return the decimals that prices and sizes of this book are hashed with.

    The venue prints them all; the catalogue's count stands in for zeros that were lost on the way
    (a whole number, or a tape that some other program rewrote).
    """
    rows = [row for side in sides for row in side]
    prices = max((_places(price) for price, _ in rows), default=0)
    sizes = max((_places(size) for _, size in rows), default=0)
    return max(prices, instrument.price_scale), max(sizes, instrument.size_scale)


def _digits(text: str, places: int) -> str:
    whole, _, part = _plain(text).partition(".")
    return (whole + part.ljust(places, "0")).lstrip("0")


def _places(text: str) -> int:
    return len(_plain(text).partition(".")[2])


def _plain(text: str) -> str:
    return text if text.replace(".", "", 1).isdigit() else f"{parse(text):f}"
