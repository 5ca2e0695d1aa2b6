"""An alert of a feed said plainly: what is not seen, since when and why, and what to do."""

from collections import Counter
from collections.abc import Collection

from ..core.alert import Alert
from ..core.instrument import Nanos, Symbol, VenueName
from ..core.trust import TrustReason
from .liveness import KnownBook
from .sentence import span_of

MOST_NAMED = 5
UNKNOWN_COST = "What that costs is unknown."


def venue_degraded(
    venue: VenueName, books: Collection[KnownBook], lasting: Collection[KnownBook], at: Nanos
) -> str:
    """Return the sentence of a venue some of whose books are not LIVE for too long."""
    return (
        f"{len(lasting)} of {len(books)} books of {venue} cannot be believed: "
        f"{_named(lasting, at)}. Nothing is judged of them meanwhile. {UNKNOWN_COST} "
        f"Do not price from them; if it lasts, look at the connection to {venue}."
    )


def venue_down(venue: VenueName, books: Collection[KnownBook], at: Nanos) -> str:
    """Return the sentence of a venue none of whose books is LIVE."""
    since = max(book.since for book in books)
    return (
        f"{venue} is down: none of its {_count(books)} has been live for {span_of(at - since)} "
        f"({_why(books)}{_detail(books)}). Nothing of it is judged. {UNKNOWN_COST} Price from the other venues, "
        f"wider; look at the network and at what {venue} says of itself."
    )


def venue_refuses(venue: VenueName, books: Collection[KnownBook]) -> str:
    """Return the sentence of a venue that wants none of us."""
    refused = [book for book in books if book.reason is TrustReason.REFUSED]
    return (
        f"{venue} refuses us{_detail(refused)}. It is left alone and asked again "
        f"later, and the other venues go on. {UNKNOWN_COST} See whether this address and key may "
        f"use {venue}, or take it out of the venues."
    )


def venue_well(alert: Alert, lasted: Nanos) -> str:
    """Return the sentence of a venue all of whose books are LIVE again."""
    return f"All books of {alert.key.venue} are live again after {span_of(lasted)}."


def venue_up(alert: Alert, lasted: Nanos) -> str:
    """Return the sentence of a venue that is down no more."""
    return f"{alert.key.venue} is up again after {span_of(lasted)}. Resume as usual."


def venue_left(venue: VenueName) -> str:
    """Return the sentence of a venue that nobody watches any more."""
    return f"No book of {venue} is watched any more; nothing says that it is well again."


def symbol_dark(symbol: Symbol, books: Collection[KnownBook], at: Nanos) -> str:
    """Return the sentence of a symbol that no venue shows any more."""
    since = max(book.since for book in books)
    return (
        f"{symbol} cannot be seen anywhere: none of its {_count(books)} has been live for "
        f"{span_of(at - since)}: {_named(books, at)}. No signal of it works. {UNKNOWN_COST} Pause "
        f"it until one is live, and look at the network."
    )


def symbol_seen(alert: Alert, lasted: Nanos) -> str:
    """Return the sentence of a symbol that is seen again."""
    return f"{alert.key.symbol} is seen again after {span_of(lasted)}. Resume as usual."


def symbol_left(symbol: Symbol) -> str:
    """Return the sentence of a symbol that nobody watches any more."""
    return f"{symbol} is not watched any more; nothing says that it could be seen again."


def _count(books: Collection[KnownBook]) -> str:
    return f"{len(books)} book{'' if len(books) == 1 else 's'}"


def _named(books: Collection[KnownBook], at: Nanos) -> str:
    """Name books with their reason and for how long; those that are away the longest first."""
    ordered = sorted(books, key=lambda book: (book.since, book.name))
    named = [
        f"{_name(book)} for {span_of(at - book.since)} ({_reason(book.reason)})"
        for book in ordered[:MOST_NAMED]
    ]
    more = len(ordered) - MOST_NAMED
    return ", ".join(named) + (f" and {more} more" if more > 0 else "")


def _name(book: KnownBook) -> str:
    return "all that is wanted of it" if book.name == "*" else book.name


def _why(books: Collection[KnownBook]) -> str:
    """Say why books are not LIVE, the most frequent reason first."""
    reasons = Counter(book.reason for book in books).most_common()
    if len(reasons) == 1:
        return _reason(reasons[0][0])
    return ", ".join(f"{count} {_reason(reason)}" for reason, count in reasons)


def _detail(books: Collection[KnownBook]) -> str:
    """Say what was told with the reason, if anything was."""
    detail = next((book.detail for book in books if book.detail), "")
    return f": {detail}" if detail else ""


def _reason(reason: TrustReason) -> str:
    return reason.value.replace("_", " ")
