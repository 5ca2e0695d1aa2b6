"""What passes over the window's socket: lines of JSON, each with its `type`.

The daemon says `hello`, then round after round: `books`, `symbols` and `alerts` in several lines, `round` when it is whole;
`ladder` as they are wanted; `bye` when it stops. Whoever looks says `want`, whenever that changes.
"""

from datetime import datetime
from decimal import Decimal
from typing import TypeAlias

import msgspec

from tidegauge.core.exact import is_amount
from tidegauge.risk.rests import Resting

from .across import ShownDaemon, ShownSymbol, ShownVenue
from .books import ShownBook
from .desk import ShownAlert, ShownDesk, ShownExposure

PROTOCOL = 1
"""Changes when a line of an older version would be misunderstood."""

LONGEST_LINE = 64 * 1024 * 1024
"""A round of thousands of symbols is long; what is longer than this is no line of ours."""

LONGEST_WANT = 4 * 1024 * 1024


class Hello(msgspec.Struct, frozen=True, kw_only=True, tag="hello"):
    """The first line: who is behind the socket."""

    protocol: int
    version: str
    daemon: str
    run: str


class Books(msgspec.Struct, frozen=True, kw_only=True, tag="books"):
    """Some of the books of a round."""

    books: tuple[ShownBook, ...]


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What a quote of one symbol counts with: what another quote is worth in the symbol's, and what a
    taker pays on a venue, in bps. What is not named is not known."""

    rates: dict[str, Decimal]
    fees: dict[str, float]


class Symbols(msgspec.Struct, frozen=True, kw_only=True, tag="symbols"):
    """Some of the symbols of a round, and by their names what a quote of each counts with."""

    symbols: tuple[ShownSymbol, ...]
    terms: dict[str, Terms]


class Alerts(msgspec.Struct, frozen=True, kw_only=True, tag="alerts"):
    """Some of the alerts of a round."""

    alerts: tuple[ShownAlert, ...]


class Round(msgspec.Struct, frozen=True, kw_only=True, tag="round"):
    """All else of a round, which it ends. What was not told in it is watched no more. Its symbols with
    their terms, and the alerts of its desk, come in lines of their own; whoever listens puts them here."""

    daemon: ShownDaemon
    venues: tuple[ShownVenue, ...]
    desk: ShownDesk
    exposures: tuple[ShownExposure, ...]
    symbols: tuple[ShownSymbol, ...] = ()
    terms: dict[str, Terms] = {}


class Ladder(msgspec.Struct, frozen=True, kw_only=True, tag="ladder"):
    """The levels of one book; `resting` is None while it may not be read, or is not watched here."""

    venue: str
    symbol: str
    at: datetime
    age_s: float | None
    trust: str
    reason: str
    quote: str
    resting: Resting | None


class Bye(msgspec.Struct, frozen=True, kw_only=True, tag="bye"):
    """The daemon stops in order."""


Said: TypeAlias = Hello | Books | Symbols | Alerts | Round | Ladder | Bye


class LadderWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """At least `levels` a side of a book, and on until `quote` rests in them."""

    venue: str
    symbol: str
    levels: int = 0
    quote: Decimal = Decimal(0)


class Want(msgspec.Struct, frozen=True, kw_only=True, tag="want", forbid_unknown_fields=True):
    """All the ladders that are wanted from now on, in the place of those of before."""

    ladders: tuple[LadderWanted, ...] = ()


_ENCODER = msgspec.json.Encoder()
_SAID: msgspec.json.Decoder[Said] = msgspec.json.Decoder(Said)
_WANT = msgspec.json.Decoder(Want)


def line_of(message: Said | Want) -> bytes:
    """Return a message as the line that is sent."""
    return _ENCODER.encode(message) + b"\n"


def said_of(line: bytes) -> Said:
    """Read what a daemon said. Raises `msgspec.MsgspecError`."""
    return _SAID.decode(line)


def want_of(line: bytes) -> Want:
    """Read what is wanted of a daemon. Raises `msgspec.MsgspecError`, or `ValueError` for an amount that
    nobody can calculate with: it would hold the daemon up for minutes."""
    want = _WANT.decode(line)
    if not all(is_amount(each.quote) for each in want.ladders):
        raise ValueError("a quote that is wanted is no amount")
    return want
