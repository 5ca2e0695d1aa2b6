"""Every error this package raises on purpose, and what each calls for.

TidegaugeError
├── FeedError                a venue said something we cannot use; `remedy` says what helps
│   ├── MalformedFrame       the frame is not what the protocol promises     (RESYNC)
│   ├── SequenceGap          an update is missing                            (RESYNC)
│   ├── SubscriptionRejected the venue refuses an instrument                 (RETIRE)
│   └── VenueRefused         the venue refuses us: region, key, ban          (QUARANTINE)
├── BookInvariantError       a book contradicts itself: our bug              (RESYNC, reported)
└── OperatorError            what a person can put right: settings, files, database
"""

from enum import StrEnum


class Remedy(StrEnum):
    """What the supervisor does about a feed error."""

    RESYNC = "resync"
    RECONNECT = "reconnect"
    RETIRE = "retire"
    QUARANTINE = "quarantine"


class TidegaugeError(Exception):
    """The root of all of our errors."""


class FeedError(TidegaugeError):
    """A venue's frame or answer that cannot be used.

    `instrument` is the venue's own name of the instrument it speaks of, None when unknown.
    """

    remedy = Remedy.RECONNECT

    def __init__(self, message: str, *, instrument: str | None = None) -> None:
        super().__init__(message)
        self.instrument = instrument


class MalformedFrame(FeedError):
    """The frame is not JSON, lacks a field, or holds a number no market has."""

    remedy = Remedy.RESYNC


class SequenceGap(FeedError):
    """At least one update between the last one applied and this one is missing."""

    remedy = Remedy.RESYNC

    def __init__(self, *, expected: int, received: int, instrument: str | None = None) -> None:
        super().__init__(f"expected update {expected}, received {received}", instrument=instrument)
        self.expected = expected
        self.received = received


class SubscriptionRejected(FeedError):
    """The venue refuses this instrument; asking again would not help."""

    remedy = Remedy.RETIRE


class VenueRefused(FeedError):
    """The venue refuses this client altogether (HTTP 401, 403 or 451)."""

    remedy = Remedy.QUARANTINE


class BookInvariantError(TidegaugeError):
    """A book contradicts itself. Our bug, never the venue's weather."""


class OperatorError(TidegaugeError):
    """Something a person can put right: says what is wrong, where, and what to do next."""

    def __init__(self, what: str, *, fix: str | None = None) -> None:
        super().__init__(what if fix is None else f"{what}. {fix}")
        self.what = what
        self.fix = fix
