"""Rebuilds every book on a tape and proves it: sequence, checksums, crossing, the venue's own touch.

The books are built by the protocols that read the live venues. What they find wrong counts, with
the first place of each book where the tape is not what it should be.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from tidegauge import venues
from tidegauge.core.errors import MalformedFrame, OperatorError
from tidegauge.core.events import BookDelta, BookEvent, BookSnapshot, FeedEvent, FeedEventKind
from tidegauge.core.instrument import BookId, Instrument, Nanos
from tidegauge.core.keeper import BookKeeper
from tidegauge.core.trust import TrustReason
from tidegauge.wire.effects import Effect
from tidegauge.wire.feed import VenueFeed
from tidegauge.wire.protocol import Fetch, Note, Output, Response, VenueProtocol, VenueSpec
from tidegauge.wire.tape import Meta, TapeKind, TapeLine

from .bare_frames import bare_frames
from .tape_file import GoodPart, TapeReader
from .tape_player import TapePlayer, header_of
from .tape_venues import VenueOfRecord
from .touch_oracle import Difference, TouchOracle

FAULTS = frozenset(
    {
        FeedEventKind.GAP,
        FeedEventKind.MALFORMED,
        FeedEventKind.OVERFLOW,
        FeedEventKind.REJECTED,
        FeedEventKind.QUARANTINED,
    }
)
DISTRUST = frozenset({TrustReason.CROSSED, TrustReason.CHECKSUM, TrustReason.INVARIANT})
MOST_UNSEEN = 100_000
"""Events that may wait for the book to have applied them: one frame or answer holds fewer."""


@dataclass(slots=True)
class BookProof:
    """What was found of one book. `updates` and `level_changes` are those told by the socket."""

    venue: str
    instrument: str
    updates: int = 0
    level_changes: int = 0
    gaps: int = 0
    checksums_ok: int = 0
    checksums_bad: int = 0
    crossed: int = 0
    touch: TouchOracle = field(default_factory=TouchOracle)
    fault: Difference | None = None

    @property
    def first(self) -> Difference | None:
        """What is wrong first, None if nothing is."""
        return self.fault or self.touch.first


@dataclass(frozen=True, slots=True, kw_only=True)
class TapeProof:
    """What was found of one tape. `damage` says where it could not be read on."""

    tape: Path
    frames: int
    books: tuple[BookProof, ...]
    faults: tuple[Difference, ...]
    damage: str | None

    @property
    def good(self) -> bool:
        return self.damage is None and not self.faults and not any(b.first for b in self.books)

    @property
    def first(self) -> str | None:
        """The first thing that is wrong."""
        found = [str(each) for each in self.faults]
        found += [str(book.first) for book in self.books if book.first is not None]
        return next(iter(found), self.damage)


def verify(
    tape: Path,
    parts: Sequence[Path] = (),
    *,
    progress: Callable[[int], None] | None = None,
) -> TapeProof:
    """Verify one tape, or all the `parts` of one, in order; `tape` names it.

    Raises `OperatorError` if it is none.
    """
    specs = venues.load()
    bare = bare_frames(specs.values())
    lines = GoodPart([TapeReader(path, bare) for path in parts or [tape]])
    own = header_of(lines) is not None
    proof = _Proof(lines)
    overheard = [
        replace(spec, protocol=partial(_Overheard, spec, proof)) for spec in specs.values()
    ]
    player = TapePlayer(proof, overheard, own=own, beat=None, observer=proof.applied)
    if not own:
        player.prepare(lines)
    damage: str | None = None
    try:
        for number, line in enumerate(lines):
            proof.hear(line)
            player.play(line)
            if progress is not None and number % 1000 == 0:
                progress(number)
        player.finish()
    except (MalformedFrame, OperatorError) as error:
        damage = f"{lines.place}: {error}"
    if lines.damage is not None:
        damage = str(lines.damage)
    books = proof.finish()
    return TapeProof(
        tape=tape,
        frames=player.frames,
        books=books,
        faults=tuple(proof.faults),
        damage=damage,
    )


class _Proof:
    """Watches what a player plays: what the feeds report, and the books after each update."""

    def __init__(self, lines: GoodPart) -> None:
        self.lines = lines
        self.faults: list[Difference] = []
        self._books: dict[tuple[str, str], BookProof] = {}
        self._watched: set[tuple[str, str]] = set()
        self._unseen: dict[str, deque[tuple[BookEvent, bool]]] = {}
        self._origin = VenueOfRecord(venues.load().values())

    # -- what a player tells ---------------------------------------------------------------------

    def watch(self, feed: VenueFeed) -> None:
        for keeper in feed.keepers.values():
            instrument = keeper.instrument
            self._watched.add((instrument.venue, instrument.name))
            self._book(instrument.venue, instrument.name)

    def forget(self, id_: BookId, now: Nanos) -> None:
        """A book that is watched no more keeps its proof."""

    def advance(self, now: Nanos) -> None:
        """Nothing is sampled."""

    def pace(self, venue: str, every: Nanos, now: Nanos) -> None:
        """Nothing is read."""

    def handle(self, effects: Iterable[Effect], now: Nanos) -> list[Effect]:
        left: list[Effect] = []
        for effect in effects:
            if isinstance(effect, FeedEvent):
                self._happened(effect)
            else:
                left.append(effect)
        return left

    def _happened(self, event: FeedEvent) -> None:
        distrusted = event.reason in DISTRUST
        if event.kind not in FAULTS and not distrusted:
            return
        what = str(event.reason if distrusted else event.kind)
        found = Difference(
            self.lines.place, "what follows the line before", f"{what}: {event.detail}"
        )
        book = self._books.get((event.venue, event.instrument or ""))
        if book is None:
            self.faults.append(found)
            return
        book.gaps += event.kind is FeedEventKind.GAP
        book.fault = book.fault or found

    # -- what the tape says beside the books -----------------------------------------------------

    def hear(self, line: TapeLine) -> None:
        """Take the venue's word on the touch, and note what was not recorded."""
        if line.kind is TapeKind.META:
            facts = line.facts
            if facts["meta"] == Meta.GAP:
                said = f"{facts.get('lines')} lines were not recorded"
                self.faults.append(Difference(self.lines.place, "every line", said))
        elif line.kind is TapeKind.RECV and (spec := self._origin.of(line)) is not None:
            touch = spec.touches(line.text)
            if touch is not None and (book := self._books.get((spec.name, touch.instrument))):
                book.touch.told(touch)

    # -- what the protocols say ------------------------------------------------------------------

    def note(self, venue: str, outputs: list[Output], *, fetched: bool) -> None:
        """See the events that a protocol has for its books, before they are applied."""
        for output in outputs:
            match output:
                case Note(kind="checksum_ok", instrument=str(name)):
                    self._book(venue, name).checksums_ok += 1
                case Note(kind="checksum_bad", instrument=str(name), detail=detail):
                    book = self._book(venue, name)
                    book.checksums_bad += 1
                    book.fault = book.fault or Difference(
                        self.lines.place, "the checksum the venue told", f"another: {detail}"
                    )
                case BookSnapshot(instrument=name) | BookDelta(instrument=name):
                    unseen = self._unseen.setdefault(f"{venue}/{name}", deque(maxlen=MOST_UNSEEN))
                    unseen.append((output, fetched))
                case _:
                    pass

    def applied(self, keeper: BookKeeper, now: Nanos) -> None:
        """A book has applied an event: compare."""
        name = f"{keeper.instrument.venue}/{keeper.instrument.name}"
        unseen = self._unseen.get(name)
        event: BookEvent | None = None
        by_rest = False
        while unseen:
            event, by_rest = unseen.popleft()
            if isinstance(event, BookSnapshot | BookDelta) and event.sequence == keeper.sequence:
                break
        book = self._book(keeper.instrument.venue, keeper.instrument.name)
        book.crossed += keeper.book.crossed
        if not isinstance(event, BookSnapshot | BookDelta) or (
            by_rest and isinstance(event, BookSnapshot)
        ):
            return
        book.updates += 1
        book.level_changes += len(event.bids) + len(event.asks)
        if isinstance(event, BookDelta):
            book.touch.applied(keeper.book, event, self.lines.place)

    def _book(self, venue: str, name: str) -> BookProof:
        """Return a book's proof: a feed that is to take over is told of its books before that."""
        return self._books.setdefault((venue, name), BookProof(venue, name))

    def finish(self) -> tuple[BookProof, ...]:
        """Return the proofs, in the order of venues and instruments."""
        for (venue, name), book in self._books.items():
            book.touch.finish()
            if (venue, name) in self._watched and not book.updates and book.fault is None:
                book.fault = Difference(
                    self.lines.place, f"a book of {venue} {name}", "nothing that begins one"
                )
        books = sorted(self._books.items())
        return tuple(book for key, book in books if key in self._watched or book.fault)


class _Overheard:
    """A venue's protocol whose outputs are seen before they act."""

    def __init__(self, spec: VenueSpec, proof: _Proof, instruments: Sequence[Instrument]) -> None:
        self._protocol: VenueProtocol = spec.protocol(instruments)
        self._seen = partial(proof.note, spec.name)

    def __getattr__(self, name: str) -> Any:
        """What only some protocols can do (`protocol.Refreshing`), this one can if they can."""
        return getattr(self._protocol, name)

    def received(self, link: str, frame: str | bytes, now: Nanos) -> list[Output]:
        return self._heard(self._protocol.received(link, frame, now))

    def fetched(self, fetch: Fetch, response: Response, now: Nanos) -> list[Output]:
        return self._heard(self._protocol.fetched(fetch, response, now), fetched=True)

    def opened(self, link: str, now: Nanos) -> list[Output]:
        return self._heard(self._protocol.opened(link, now))

    def closed(self, link: str, now: Nanos) -> list[Output]:
        return self._heard(self._protocol.closed(link, now))

    def resync(self, instrument: str, reason: TrustReason, now: Nanos) -> list[Output]:
        return self._heard(self._protocol.resync(instrument, reason, now))

    def tick(self, now: Nanos) -> list[Output]:
        return self._heard(self._protocol.tick(now))

    def _heard(self, outputs: list[Output], *, fetched: bool = False) -> list[Output]:
        self._seen(outputs, fetched=fetched)
        return outputs
