"""Drives the fleets of every venue on a tape, and whoever watches their books.

A tape of ours holds all that its fleets were told: it is told to them again. A plain tape holds
frames and answers only: links are opened at their first frame, requests are answered by the next
recorded answer that fits, and the time between lines is filled with ticks.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

import msgspec

from tidegauge.core.desk import Order
from tidegauge.core.errors import MalformedFrame, OperatorError
from tidegauge.core.events import FeedEvent
from tidegauge.core.instrument import SECOND, BookId, Nanos, VenueName
from tidegauge.risk.ruleset import RuleSet
from tidegauge.wire.effects import Effect
from tidegauge.wire.feed import Care, Listing, Observer, VenueFeed
from tidegauge.wire.fleet import Fleet
from tidegauge.wire.protocol import BOOK_LINK, Fetch, Purpose, Response, VenueSpec
from tidegauge.wire.resumed import ResumedFleet
from tidegauge.wire.shards import Entered, InService, Left, Orders, Released
from tidegauge.wire.tape import Meta, Place, TapeKind, TapeLine, place_of

from .recorded_instruments import recorded_instruments
from .tape_file import GoodPart
from .tape_fleet import tell
from .tape_venues import VenueOfRecord

LONGEST_HOLE: Nanos = 3_600 * SECOND
"""A plain tape that is silent for longer jumps; ticks nobody saw are not made up."""

OK = 200
ALL_ON_ONE = 1_000_000
"""Books a link of a plain tape may carry: nobody knows how it was spread over sockets."""

UNADVANCED = frozenset({Meta.VENUE, Meta.OVERFLOW, Meta.CRASHED, Meta.STOPPED, Meta.PACE})
"""What a fleet was told without the samplers being advanced first."""

INSTRUCTIONS: Mapping[Meta, tuple[str, type]] = {
    Meta.ORDER: ("order", Order),
    Meta.RULES: ("rules", RuleSet),
    Meta.EVENT: ("event", FeedEvent),
}
"""What is told to whoever watches rather than to a fleet: where the line holds it, and what it is."""


class Watcher(Protocol):
    """What a tape is played for. `runtime.monitor.Monitor` is one."""

    def watch(self, feed: VenueFeed) -> None: ...

    def handle(self, effects: Iterable[Effect], now: Nanos) -> list[Effect]: ...

    def advance(self, now: Nanos) -> None: ...

    def forget(self, id_: BookId, now: Nanos) -> None: ...

    def pace(self, venue: VenueName, every: Nanos, now: Nanos) -> None: ...


def header_of(lines: GoodPart) -> dict[str, Any] | None:
    """Return what the first line of a tape of ours tells; None for a plain tape.

    Raises `OperatorError` if not even that can be read.
    """
    first = next(iter(lines), None)
    if first is None:
        assert lines.damage is not None
        raise lines.damage
    if first.kind is not TapeKind.META:
        return None
    facts = first.facts
    return facts if facts["meta"] == Meta.TAPE else None


@dataclass(slots=True)
class _Plain:
    """What a plain tape leaves to be guessed, of one venue."""

    asked: list[Fetch] = field(default_factory=list)
    held: list[TapeLine] = field(default_factory=list)
    open: bool = False


class TapePlayer:
    """Plays lines, one after another, in the order of the tape.

    `own`: it is a tape of ours. `beat` is how often time passes on a plain one,
    None for never: then only what was recorded happens. `instructed` is told what people wanted,
    and what venues said beside their feeds.
    """

    def __init__(
        self,
        watcher: Watcher,
        specs: Iterable[VenueSpec],
        *,
        own: bool,
        beat: Nanos | None = SECOND,
        observer: Observer | None = None,
        instructed: Callable[[Order | RuleSet | FeedEvent, Nanos], object] | None = None,
    ) -> None:
        self.fleets: dict[VenueName, Fleet] = {}
        self.next_shard: dict[VenueName, int] = {}
        self.frames = 0
        self.own = own
        self._watcher = watcher
        self._specs = {spec.name: spec for spec in specs}
        self._origin = VenueOfRecord(self._specs.values())
        self._observer = observer
        self._instructed = instructed
        self._epochs: dict[VenueName, Iterator[int]] = {}
        self._open: set[Place] = set()
        self._midway: set[VenueName] = set()
        self._part: int | None = None
        self._follows = False
        self._plain: dict[VenueName, _Plain] = {}
        self._beat = beat
        self._next_beat: Nanos | None = None
        self._crash: tuple[VenueName, Exception] | None = None

    @property
    def feeds(self) -> list[VenueFeed]:
        """The feeds in service."""
        return [feed for fleet in self.fleets.values() for feed in fleet.feeds]

    def prepare(self, lines: Iterable[TapeLine]) -> None:
        """Read a plain tape once to learn which venues and instruments are on it.

        Raises `OperatorError` if there are none we know.
        """
        for spec, instruments in recorded_instruments(self._specs.values(), lines):
            alone = replace(spec, limits=replace(spec.limits, books_a_link=ALL_ON_ONE))
            listings = [Listing(symbol=item.name, instrument=item) for item in instruments]
            self._plain[spec.name] = _Plain()
            fleet = self._begin(alone, Care(recorded=True))
            self._do(fleet, fleet.begin(listings, 0), 0)
        if not self.fleets:
            raise OperatorError(
                "No venue we know is on this tape", fix="`tidegauge venues` lists those we know"
            )

    def play(self, line: TapeLine) -> None:
        """Take the next line. Raises `MalformedFrame`, `OperatorError`.

        Where our own code crashes, it may have crashed live: the next line of a tape of ours says so,
        and the venue goes on as it did then.
        """
        if self._crash is not None:
            self._expect_crash(line)
        if self.own:
            self._play_own(line)
        else:
            self._play_plain(line)

    def finish(self) -> None:
        """The tape has ended. Raises `OperatorError` if its last line crashed our own code."""
        if self._crash is not None:
            raise _our_bug(self._crash[1], "the last line")

    # -- a tape of ours --------------------------------------------------------------------------

    def _play_own(self, line: TapeLine) -> None:
        facts = line.facts if line.kind is TapeKind.META else {}
        meta = facts.get("meta")
        if meta == Meta.TAPE:
            self._follows = self._part is not None and facts.get("segment", 0) == self._part + 1
            self._part = facts.get("segment", 0)
        known = facts.get("resumed", False) and self._follows and line.conn in self.fleets
        if known or meta in (Meta.TAPE, Meta.GAP, Meta.END) or line.kind is TapeKind.SEND:
            return
        now = line.at
        if meta not in UNADVANCED:
            self._watcher.advance(now)
        if meta in INSTRUCTIONS:
            self._instruct(facts, now)
            return
        place = place_of(line)
        if place is None:
            if line.kind is not TapeKind.TICK:
                raise MalformedFrame(f"a line that does not say whose it is: {line.conn[:100]}")
            return
        self._play_of(place, line, facts)

    def _play_of(self, place: Place, line: TapeLine, facts: dict[str, Any]) -> None:
        """Play a line of a venue of a tape of ours."""
        if facts.get("meta") == Meta.VENUE:
            self._begin_own(self._spec_of(place.venue), line, facts)
        fleet = self.fleets.get(place.venue)
        if fleet is None:
            raise MalformedFrame(f"a line of {place.venue[:40]} before its first meta line")
        if line.kind is TapeKind.RECV:
            self.frames += 1
        if self._crosses(place, line):
            self._tell(fleet, line)

    def _instruct(self, facts: dict[str, Any], now: Nanos) -> None:
        """Tell what a person wanted, or a venue said."""
        name, shape = INSTRUCTIONS[facts["meta"]]
        try:
            wanted: Any = msgspec.convert(facts[name], shape)
        except (KeyError, msgspec.ValidationError) as error:
            raise MalformedFrame(f"{name}: it cannot be read: {error}") from None
        if self._instructed is not None:
            self._instructed(wanted, now)

    def _tell(self, fleet: Fleet, line: TapeLine) -> None:
        if line.kind is TapeKind.META and line.facts["meta"] == Meta.PACE:
            self._watcher.pace(fleet.spec.name, line.facts.get("every", 0), line.at)
            return
        try:
            self._do(fleet, tell(fleet, line), line.at)
        except (MalformedFrame, OperatorError):
            raise
        except Exception as crash:  # noqa: BLE001 (whatever it was live)
            self._crash = fleet.spec.name, crash

    def _expect_crash(self, line: TapeLine) -> None:
        assert self._crash is not None
        (venue, crash), self._crash = self._crash, None
        told = line.kind is TapeKind.META and line.facts["meta"] == Meta.CRASHED
        if not (told and line.conn == venue):
            raise _our_bug(crash, "the line before this") from crash

    def _crosses(self, place: Place, line: TapeLine) -> bool:
        """Whether a line is for the fleet. Links that opened before the tape began tell nothing.

        Raises `MalformedFrame` for a link that never opened.
        """
        if line.kind is TapeKind.OPEN:
            self._open.add(place)
        elif line.kind in (TapeKind.RECV, TapeKind.CLOSE) and place not in self._open:
            if place.venue in self._midway:
                return False
            if line.kind is TapeKind.RECV:
                raise MalformedFrame(f"a frame over a link that never opened: {line.conn[:100]}")
        return True

    def _begin_own(self, spec: VenueSpec, line: TapeLine, facts: dict[str, Any]) -> None:
        care = _care(facts)
        self.next_shard[spec.name] = facts.get("next_shard", 0)
        if not facts.get("resumed"):
            self._begin(spec, care)
            return
        self._midway.add(spec.name)
        epochs = self._epochs[spec.name] = count(facts.get("next_epoch", 1))
        self.fleets[spec.name] = ResumedFleet(spec, observer=self._observer, epochs=epochs, **care)

    def _spec_of(self, name: VenueName) -> VenueSpec:
        spec = self._specs.get(name)
        if spec is None:
            raise OperatorError(
                f"The tape is of {name!r}, a venue that this program does not know",
                fix="`tidegauge venues` lists those we know",
            )
        return spec

    # -- a plain tape ----------------------------------------------------------------------------

    def _play_plain(self, line: TapeLine) -> None:
        spec = self._origin.of(line)
        if spec is None or spec.name not in self._plain:
            return
        fleet, plain, now = self.fleets[spec.name], self._plain[spec.name], line.at
        self._live_through(now)
        (shard,) = fleet.shards
        if line.kind is TapeKind.HTTP:
            plain.held.append(line)
        elif line.kind in (TapeKind.OPEN, TapeKind.RECV):
            if not plain.open:
                plain.open = True
                self._do(fleet, fleet.opened(shard, BOOK_LINK, now), now)
            if line.kind is TapeKind.RECV:
                self.frames += 1
                self._do(fleet, fleet.received(shard, BOOK_LINK, line.frame, now), now)
        elif line.kind is TapeKind.CLOSE and plain.open:
            plain.open = False
            self._do(fleet, fleet.closed(shard, BOOK_LINK, now, "as recorded"), now)
        self._answer(fleet, plain, now)

    def _live_through(self, now: Nanos) -> None:
        """Live through the time since the last line, as a monitor that was running would have."""
        if self._beat is None:
            return
        if self._next_beat is None:
            self._next_beat = now + self._beat
        elif now - self._next_beat > LONGEST_HOLE:
            self._next_beat = now
        while self._next_beat <= now:
            beat = self._next_beat
            self._watcher.advance(beat)
            for name, fleet in self.fleets.items():
                if self._plain[name].open:
                    self._do(fleet, fleet.tick(beat), beat)
            self._next_beat += self._beat
        self._watcher.advance(now)

    def _answer(self, fleet: Fleet, plain: _Plain, now: Nanos) -> None:
        """Give each request its answer from the tape, once both were met."""
        for fetch in list(plain.asked):
            line = next((line for line in plain.held if _answers(line, fetch)), None)
            if line is None:
                continue
            plain.asked.remove(fetch)
            plain.held.remove(line)
            # What the recorder asked for may differ, such as in the number of levels.
            made = replace(fetch, params=tuple(parse_qsl(urlsplit(line.conn).query)))
            response = Response(status=OK, body=line.text.encode())
            (shard,) = fleet.shards
            self._do(fleet, fleet.fetched(shard, made, response, now), now)

    # -- either ----------------------------------------------------------------------------------

    def _begin(self, spec: VenueSpec, care: Care) -> Fleet:
        epochs = self._epochs.setdefault(spec.name, count(1))
        fleet = Fleet(spec, observer=self._observer, epochs=epochs, **care)
        self.fleets[spec.name] = fleet
        return fleet

    def _do(self, fleet: Fleet, orders: Orders, now: Nanos) -> None:
        plain = self._plain.get(fleet.spec.name)
        for order in orders:
            match order.effect:
                case InService(feed=feed):
                    self._watcher.watch(feed)
                case Released(book=book):
                    self._watcher.forget(book, now)
                case Entered():
                    name, number = fleet.spec.name, int(order.shard) + 1
                    self.next_shard[name] = max(self.next_shard.get(name, 0), number)
                case Left():
                    pass
                case effect:
                    for left in self._watcher.handle([effect], now):
                        if plain is not None and isinstance(left, Fetch):
                            _ask(plain.asked, left)


def _our_bug(crash: Exception, where: str) -> OperatorError:
    what = " ".join(f"{type(crash).__name__}: {crash}".split())[:300]
    return OperatorError(
        f"Our own code fails on {where} ({what}), and the tape does not tell that it did live",
        fix="This is a bug in Tidegauge; please report it, with the tape",
    )


def _care(facts: dict[str, Any]) -> Care:
    try:
        return msgspec.convert(facts.get("care", {}), Care)
    except msgspec.ValidationError as error:
        raise MalformedFrame(
            f"a venue whose books are looked after in no known way: {error}"
        ) from None


def _ask(asked: list[Fetch], fetch: Fetch) -> None:
    """Note a request; what is asked again, having had no answer, takes the place of the first."""
    key = fetch.purpose, fetch.instrument
    asked[:] = [each for each in asked if (each.purpose, each.instrument) != key]
    # An answer that was recorded for a book goes to the book, not to its comparison.
    asked.insert(0 if fetch.purpose is Purpose.SNAPSHOT else len(asked), fetch)


def _answers(line: TapeLine, fetch: Fetch) -> bool:
    """Whether a recorded answer is one to such a request: same path, same instrument."""
    address = urlsplit(line.conn)
    values = [value for _, value in parse_qsl(address.query)]
    return address.path in ("", fetch.path) and (
        fetch.instrument is None or fetch.instrument in values or not values
    )
