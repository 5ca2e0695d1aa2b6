"""How a venue's protocol talks to whoever drives it: text and time in, things to do out.

The driver may be a live socket, a recorded tape, the simulator or a fuzzer. A protocol never waits,
never reads a clock and never does I/O; time is always an argument.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, TypeAlias, runtime_checkable

from tidegauge.core.errors import FeedError
from tidegauge.core.events import BookEvent, BookSnapshot, BookTouch, MarketEvent
from tidegauge.core.instrument import SECOND, Instrument, InstrumentKind, Nanos, VenueName
from tidegauge.core.trust import TrustReason

BOOK_LINK = "book"
"""The name every venue gives to the link that carries its books."""


class Purpose(StrEnum):
    CATALOGUE = "catalogue"
    SNAPSHOT = "snapshot"
    AUDIT = "audit"
    """A snapshot to compare a live book with, made by `VenueSpec.audit`."""
    MARKS = "marks"
    """What a venue tells of a contract by REST only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """Write this text frame to the link."""

    link: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """Make this REST request to the venue's REST host. `body` (JSON text) makes it a POST.

    `number` tells a request from others like it; it comes back with the answer.
    """

    purpose: Purpose
    path: str
    params: tuple[tuple[str, str], ...] = ()
    body: str | None = None
    instrument: str | None = None
    weight: int = 1
    number: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """The answer to a `Fetch`. `status` 0: no answer was had, and `body` says why.

    The names of `headers` are in lower case; a recorded answer has none.
    """

    status: int
    body: bytes
    retry_after: float | None = None
    headers: Mapping[str, str] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """Close the link and open it again: it is not worth keeping."""

    link: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A fact worth counting that changes no book: an acknowledgement, a rejection, a duplicate.

    Each message whose checksum was verified is noted as `checksum_ok` or `checksum_bad`, with its
    instrument: that is what `tape verify` counts. The `detail` of a bad one tells both values.
    """

    kind: str
    instrument: str | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retire:
    """The venue will end this link soon: have another one take over before it does."""

    link: str
    reason: str


Output: TypeAlias = Send | Fetch | Drop | Retire | Note | BookEvent | MarketEvent | FeedError
"""What a protocol may ask for or report. A `FeedError` is returned (not raised) where the same
frame also holds things that are fine; an instrument that is refused is a `SubscriptionRejected`."""


class VenueProtocol(Protocol):
    """One venue's conversation about a set of instruments, over one or more links.

    Every method returns what to do, in order; none may raise anything but `FeedError`, and a
    method that raises has changed no state. Instruments are named as the venue names them.
    """

    def opened(self, link: str, now: Nanos) -> list[Output]:
        """The link is open: a new epoch for whatever it carries. Subscribe."""
        ...

    def closed(self, link: str, now: Nanos) -> list[Output]:
        """The link is gone: forget what depended on it. Report books as `BookLost`."""
        ...

    def received(self, link: str, frame: str | bytes, now: Nanos) -> list[Output]:
        """One text frame. Raises `MalformedFrame` if it cannot be understood."""
        ...

    def fetched(self, fetch: Fetch, response: Response, now: Nanos) -> list[Output]:
        """The answer to a request made earlier in this or in an earlier epoch."""
        ...

    def resync(self, instrument: str, reason: TrustReason, now: Nanos) -> list[Output]:
        """The book's keeper does not believe it any more: start this one book afresh.

        Reports the book as `BookLost` and returns what gets a new snapshot.
        """
        ...

    def tick(self, now: Nanos) -> list[Output]:
        """Called about once a second: pings, retries, watchdogs."""
        ...


@runtime_checkable
class Refreshing(Protocol):
    """A protocol whose snapshots reach only so far from the touch, and can be had again."""

    def refresh(self, instrument: str, now: Nanos) -> list[Output]:
        """Get a new snapshot of a live book, to be joined beside it: no update is lost meanwhile.

        The book is replaced in one frame, and is believed throughout.
        """
        ...


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `count` in any span of `per`."""

    count: int
    per: Nanos


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueLimits:
    """What a venue allows, and how it says so. None: no limit is known.

    `connects` and `weight` (of REST requests, see `Fetch.weight`) are per address; `messages` are
    the frames a client may send, per connection. `weight_used` is the response header that tells
    how much of this minute's weight is used. `books_a_link` is how many books one socket should
    carry. `lifetime` is how old the venue lets a connection grow.
    """

    connects: Rate = Rate(60, 300 * SECOND)
    messages: Rate | None = None
    weight: Rate | None = None
    weight_used: str | None = None
    books_a_link: int = 50
    lifetime: Nanos | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """How to get a book by REST, to compare with the one that was kept from the stream.

    `read` raises `MalformedFrame`; its snapshot's `sequence` is 0 where the answer has none.
    """

    request: Callable[[Instrument], Fetch]
    read: Callable[[Instrument, bytes], BookSnapshot]


class Beside(StrEnum):
    """What a venue tells beside the book."""

    TRADES = "trades"
    MARK = "mark"
    FUNDING = "funding"
    OPEN_INTEREST = "open interest"
    LIQUIDATIONS = "liquidations"


def one_page(_request: Fetch, _body: bytes) -> Fetch | None:
    """The `next_page` of a venue whose catalogue comes whole."""
    return None


def names_nothing(_frame: str) -> Sequence[str]:
    """The `named_in` of a venue whose tapes cannot be played without a catalogue."""
    return ()


def tells_no_kind(_name: str) -> InstrumentKind | None:
    """The `kind_of` of a venue whose names do not tell spot from contract."""
    return None


def tells_no_touch(_frame: str) -> BookTouch | None:
    """The `touches` of a venue without a stream of its own for the best bid and ask."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueSpec:
    """All that the rest of the program knows of a venue; each venue's file ends in one or more.

    `links` gives the path (with query) of each socket for a set of instruments, below `ws_url`.
    `catalogue` is the requests whose answers `parse_catalogue` reads (each on its own), and
    `next_page` the request that continues one, None after its last page.
    `default_name` turns our symbol into the venue's usual name for it, where settings say nothing.
    `silence_limit` is how long a healthy book may say nothing, None to not watch. `named_in` gives
    the instruments whose books a recorded frame speaks of, so that a tape can be played without a
    catalogue, and `kind_of` what kind an instrument's name says it is; `touches` reads the venue's own word on best bid and ask from one, numbered like the
    updates of the book, to hold the book against. `numbers_links`: the venue numbers the frames of
    a connection whatever they are about, so that none may be left out. `beside` says what the
    protocol tells beside the book, `checks` (for people) by what it knows that a book is whole.
    """

    name: VenueName
    family: str
    kind: InstrumentKind
    ws_url: str
    rest_url: str
    links: Callable[[Sequence[Instrument]], Mapping[str, str]]
    protocol: Callable[[Sequence[Instrument]], VenueProtocol]
    catalogue: tuple[Fetch, ...]
    parse_catalogue: Callable[[bytes], list[Instrument]]
    next_page: Callable[[Fetch, bytes], Fetch | None] = one_page
    default_name: Callable[[str], str]
    silence_limit: Nanos | None = 60 * SECOND
    max_frame: int = 16 * 1024 * 1024
    named_in: Callable[[str], Sequence[str]] = names_nothing
    kind_of: Callable[[str], InstrumentKind | None] = tells_no_kind
    touches: Callable[[str], BookTouch | None] = tells_no_touch
    numbers_links: bool = False
    limits: VenueLimits = VenueLimits()
    audit: Audit | None = None
    beside: frozenset[Beside] = frozenset()
    checks: str = ""
    docs: str = ""
    depth: str = ""
    quirks: tuple[str, ...] = field(default=())
