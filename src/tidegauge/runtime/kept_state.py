"""Keeps what the monitor learned, so that a restart goes on where it stopped.

A detector's windows are some hundred kilobytes: they are kept in turn, each once a minute, and soon
when an alert of theirs has changed. What is lost with a crash are the samples since.
"""

from collections.abc import Iterator
from itertools import islice
from typing import TypeVar

import msgspec
import structlog

from tidegauge.core.alert import ALL, Alert, Signal
from tidegauge.core.instrument import BookId, Nanos, Symbol, VenueName
from tidegauge.risk.caps import CapsState
from tidegauge.risk.desk.state import DeskState
from tidegauge.risk.health import HealthState
from tidegauge.risk.kept import DetectorState
from tidegauge.sinks.state_store import StateStore

from .kept import KeptCaps, SymbolState
from .monitor import Monitor

FILE = "state.sqlite3"

ROUND = 60
"""Looks in which everything is kept once; there is about one a second."""

MOST_SOON = 32
"""What has changed and is kept at one look: a snapshot takes the loop a millisecond or so."""

CAPS, DESK = "caps", "desk"

State = TypeVar("State", bound=msgspec.Struct)

log = structlog.get_logger(__name__)
_encode = msgspec.msgpack.Encoder().encode


class KeptState:
    """What a daemon of these symbols kept. `open` it before it is asked; until then there is nothing.

    `used` says whether anything was gone on with: then a replay cannot find the same.
    """

    def __init__(self, symbols: tuple[Symbol, ...]) -> None:
        self.used = False
        self._own = ",".join(sorted(symbols))
        self._store: StateStore | None = None
        self._turn: Iterator[str] = iter(())
        self._share = 1
        self._soon: dict[str, None] = {}

    def open(self, store: StateStore) -> None:
        """Use this store from now on."""
        self._store = store

    # -- what was kept ---------------------------------------------------------------------------

    def detector(self, book: BookId) -> DetectorState | None:
        return self._read(_of_book(book), DetectorState)

    def symbol(self, symbol: Symbol) -> SymbolState | None:
        return self._read(_of_symbol(symbol), SymbolState)

    def venue(self, venue: VenueName) -> HealthState | None:
        return self._read(_of_venue(venue), HealthState)

    def caps(self) -> KeptCaps | None:
        found = self._read_at(CAPS, CapsState)
        return None if found is None else KeptCaps(*found)

    def desk(self) -> DeskState | None:
        return self._read(DESK, DeskState)

    def _read(self, name: str, shape: type[State]) -> State | None:
        found = self._read_at(name, shape)
        return None if found is None else found[1]

    def _read_at(self, name: str, shape: type[State]) -> tuple[Nanos, State] | None:
        """Return a state and when it was kept."""
        kept = None if self._store is None else self._store.get(self._called(name))
        if kept is None:
            return None
        try:
            state = msgspec.msgpack.decode(kept.data, type=shape)
        except (msgspec.DecodeError, ValueError) as error:
            log.warning("kept_state_unreadable", name=name, error=str(error))
            return None
        self.used = True
        return kept.at, state

    # -- keeping ---------------------------------------------------------------------------------

    def changed(self, alert: Alert) -> None:
        """An alert has changed: what it is of is kept at the next look."""
        key = alert.key
        if key.signal == Signal.CRUNCH:
            self._soon[_of_book(BookId(key.venue, key.symbol))] = None
        elif key.signal == Signal.OVER_CAP:
            self._soon[CAPS] = None
        else:
            name = _of_venue(key.venue) if key.symbol == ALL else _of_symbol(key.symbol)
            self._soon[name] = None
        self.stirred()

    def left(self, book: BookId) -> None:
        """A book is not watched any more: at the next look it is forgotten, if it still is not."""
        for name in (_of_book(book), _of_symbol(book.symbol)):
            self._soon[name] = None

    def stirred(self) -> None:
        """The desk has changed: it is kept at the next look."""
        self._soon[DESK] = None

    def keep(self, monitor: Monitor, now: Nanos) -> None:
        """Look what is to be kept: what has changed, and what has its turn."""
        if self._store is None:
            return
        due = [*islice(self._turn, self._share)]
        if len(due) < self._share:
            names = [*_names(monitor)]
            self._turn, self._share = iter(names), -(-len(names) // ROUND)
        soon = [*self._soon][:MOST_SOON]
        for name in dict.fromkeys([*soon, *due]):
            self._soon.pop(name, None)
            self._put(monitor, name, now)

    def keep_all(self, monitor: Monitor, now: Nanos) -> None:
        """Keep everything: it is the end."""
        for name in _names(monitor):
            self._put(monitor, name, now)

    def _put(self, monitor: Monitor, name: str, now: Nanos) -> None:
        if self._store is None:
            return
        state = _state_of(monitor, name)
        if state is None:
            # Nobody watches it any more: whoever does again begins anew.
            self._store.drop(self._called(name))
        else:
            self._store.put(self._called(name), now, _encode(state))

    def _called(self, name: str) -> str:
        """What a name is called in the store: another daemon watches other books of a venue."""
        shared = name.startswith((BOOK, SYMBOL))
        return name if shared else f"{name} of {self._own}"


BOOK, SYMBOL, VENUE = "book ", "symbol ", "venue "


def _of_book(book: BookId) -> str:
    return f"{BOOK}{book.venue} {book.symbol}"


def _of_symbol(symbol: Symbol) -> str:
    return f"{SYMBOL}{symbol}"


def _of_venue(venue: VenueName) -> str:
    return f"{VENUE}{venue}"


def _names(monitor: Monitor) -> Iterator[str]:
    yield DESK
    yield CAPS
    judged = (book for book in monitor.watched_books if book.detector is not None)
    yield from (_of_book(book.keeper.id) for book in judged)
    yield from map(_of_symbol, monitor.crossing.symbols)
    yield from map(_of_venue, monitor.crossing.venues)


def _state_of(monitor: Monitor, name: str) -> msgspec.Struct | None:
    """Return the state of what is called so, None where it is not watched any more."""
    crossing = monitor.crossing
    if name == DESK:
        return monitor.desk.snapshot()
    if name == CAPS:
        return crossing.caps.snapshot()
    kind, rest = name.split(" ", 1)
    if f"{kind} " == BOOK:
        book = monitor.watched_book(BookId(*rest.split(" ")))
        detector = None if book is None else book.detector
        return None if detector is None else detector.snapshot()
    known = crossing.symbols if f"{kind} " == SYMBOL else crossing.venues
    found = known.get(rest)
    return None if found is None else found.snapshot()
