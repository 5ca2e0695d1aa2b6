"""Cuts a span out of a tape: a tape of its own, whose books stand as they stood.

Books cannot be begun in the middle of a stream. So a cut also holds what comes before its span and
builds them: of a tape of ours everything since the part it is in began (a part begins with every
book told anew), of a plain tape the frames of the wanted books since their connection opened.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Any

import msgspec

from tidegauge import venues
from tidegauge.core.errors import MalformedFrame, OperatorError
from tidegauge.core.instrument import SECOND, BookId, Nanos, VenueName
from tidegauge.wire.effects import Effect
from tidegauge.wire.feed import VenueFeed
from tidegauge.wire.fleet import Fleet
from tidegauge.wire.kept_books import Listing
from tidegauge.wire.protocol import VenueSpec
from tidegauge.wire.tape import Meta, TapeKind, TapeLine, answer_of, meta_line

from .bare_frames import bare_frames
from .tape_file import BACKWARDS, GoodPart, TapeOutput, TapeReader
from .tape_player import TapePlayer, header_of
from .tape_venues import VenueOfRecord

SETTLED: Nanos = 60 * SECOND
"""How long after a part began its books may need to be told anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """What to keep: from and to (UTC), of which venues and instruments. Empty: of all.

    `names` are our symbols or the venues' names of instruments.
    """

    begin: Nanos
    end: Nanos
    venues: frozenset[VenueName] = frozenset()
    names: frozenset[str] = frozenset()


@dataclass(slots=True)
class CutTape:
    """What came of it. `damage`: where the tape could not be read on."""

    lines: int = 0
    before: int = 0
    first_at: Nanos | None = None
    last_at: Nanos = 0
    damage: str | None = None


def cut(
    paths: Sequence[Path],
    out: Path,
    span: Span,
    *,
    progress: Callable[[int], None] | None = None,
) -> CutTape:
    """Cut a tape, or the parts of one, in order. Raises `OperatorError`."""
    bare = bare_frames(venues.load().values())
    lines = GoodPart([TapeReader(path, bare) for path in paths])
    own = header_of(lines) is not None
    if own:
        lines = GoodPart(lines.readers[_part_before(paths, span.begin) :])
        keeps: _OwnCut | _PlainCut = _OwnCut(span, changes=_changes(lines, span))
    else:
        keeps = _PlainCut(span, _openings(lines, span))
    output = TapeOutput(out)
    done = CutTape()
    try:
        for number, line in enumerate(lines):
            if line.at > span.end + BACKWARDS:
                break
            if progress is not None and number % 1000 == 0:
                progress(number)
            for kept in keeps.of(line) if line.at <= span.end else ():
                output.write(kept)
                _count(done, kept, span)
    except MalformedFrame as error:
        lines.damage = OperatorError(f"{lines.place}: {error}")
    finally:
        if done.lines:
            output.finish()
        else:
            output.abandon()
    done.damage = None if lines.damage is None else str(lines.damage)
    if not done.lines:
        raise OperatorError(
            done.damage or "The tape holds nothing of that between these times",
            fix=None if done.damage else "`tidegauge tape info` says what it holds",
        )
    return done


def _count(done: CutTape, line: TapeLine, span: Span) -> None:
    if line.at < span.begin or line.kind is TapeKind.META:
        done.before += 1
        return
    done.lines += 1
    done.first_at = line.at if done.first_at is None else done.first_at
    done.last_at = line.at


def _part_before(paths: Sequence[Path], begin: Nanos) -> int:
    """Return the last part whose books were told anew before `begin`, else the first."""
    chosen = 0
    for index, path in enumerate(paths):
        first = next(iter(GoodPart([TapeReader(path)])), None)
        if first is not None and first.at + SETTLED <= begin:
            chosen = index
    return chosen


def _openings(lines: GoodPart, span: Span) -> dict[str, int]:
    """Return, by connection, how many lines a plain tape has up to its last opening before."""
    openings: dict[str, int] = {}
    for number, line in enumerate(lines):
        if line.at >= span.begin:
            break
        if line.kind is TapeKind.OPEN:
            openings[line.conn] = number
    return openings


def _changes(lines: GoodPart, span: Span) -> bool:
    """Whether other instruments than those asked for may have come or gone while it was written."""
    if not span.names:
        return False
    within = takewhile(lambda line: line.at <= span.end + BACKWARDS, lines)
    metas = (line.facts["meta"] for line in within if line.kind is TapeKind.META)
    return any(meta in (Meta.ADDED, Meta.REMOVED) for meta in metas)


class _PlainCut:
    """Which lines of a plain tape are kept."""

    def __init__(self, span: Span, openings: dict[str, int]) -> None:
        self._span = span
        self._openings = openings
        self._origin = VenueOfRecord(venues.load().values())
        self._number = -1

    def of(self, line: TapeLine) -> Iterator[TapeLine]:
        self._number += 1
        spec, span = self._origin.of(line), self._span
        if spec is None or (span.venues and spec.name not in span.venues):
            return
        before = line.at < span.begin
        if before and self._number < self._openings.get(line.conn, 0):
            return
        if line.kind is TapeKind.RECV and not spec.numbers_links:
            named = spec.named_in(line.text)
            wanted = not span.names or not span.names.isdisjoint(named)
            if (named and not wanted) or (before and not named):
                return
        yield line


@dataclass(slots=True)
class _OwnCut:
    """Which lines of a tape of ours are kept, and how those that list instruments are rewritten.

    `changes`: instruments were added or removed. Each makes a shard roll, whoever is on it; so the
    whole tape is played, to know which shard that is and what number the next one has.
    """

    span: Span
    changes: bool = False
    wanted: dict[VenueName, frozenset[str]] = field(default_factory=dict)
    specs: dict[VenueName, VenueSpec] = field(default_factory=venues.load)
    begun: bool = False
    care: dict[VenueName, Any] = field(default_factory=dict)
    player: TapePlayer = field(init=False)

    def __post_init__(self) -> None:
        self.player = TapePlayer(_Nobody(), self.specs.values(), own=True)

    def of(self, line: TapeLine) -> Iterator[TapeLine]:
        """Return what is kept of the next line."""
        if not self.changes:
            yield from self._kept(line)
        elif line.kind is TapeKind.META and line.facts["meta"] in (Meta.ADDED, Meta.REMOVED):
            yield from self._changed(line)
        else:
            self.player.play(line)
            yield from self._kept(line)

    def _kept(self, line: TapeLine) -> Iterator[TapeLine]:
        if line.kind is TapeKind.META:
            yield from self._meta(line)
        elif line.kind is TapeKind.TICK:
            if self._keeps(line.conn) if line.conn else self.wanted:
                yield line
        else:
            venue = line.conn.rpartition("#")[2].partition("/")[0]
            if self._keeps(venue) and self._speaks_of_wanted(venue, line):
                yield line

    def _keeps(self, venue: VenueName) -> bool:
        return venue in self.wanted

    def _speaks_of_wanted(self, venue: VenueName, line: TapeLine) -> bool:
        spec = self.specs.get(venue)
        if not self.span.names or spec is None or spec.numbers_links:
            return True
        wanted = self.wanted[venue]
        if line.kind is TapeKind.HTTP:
            fetch, _ = answer_of(line)
            return fetch.instrument is None or fetch.instrument in wanted
        named = spec.named_in(line.text) if line.kind is TapeKind.RECV else ()
        return not named or not wanted.isdisjoint(named)

    def _meta(self, line: TapeLine) -> Iterator[TapeLine]:
        facts = line.facts
        match facts["meta"]:
            case Meta.TAPE:
                if not self.begun:
                    self.begun = True
                    facts = {name: fact for name, fact in facts.items() if name != "meta"}
                    yield meta_line(line.at, Meta.TAPE, **{**facts, "cut": True})
            case Meta.VENUE:
                # The positions that later parts begin with are known by then.
                if not (facts.get("resumed") and self._keeps(line.conn)):
                    yield from self._venue(line, facts)
            case Meta.GAP:
                yield line
            case Meta.END:
                pass
            case _:
                if self._keeps(line.conn):
                    yield line

    def _changed(self, line: TapeLine) -> Iterator[TapeLine]:
        """An instrument came or went: tell of it, or of the roll that it makes of a wanted shard."""
        venue, facts = line.conn, line.facts
        fleet = self.player.fleets.get(venue)
        if fleet is None:
            raise MalformedFrame(f"a line of {venue[:40]} before its first meta line")
        listing = _listing(facts) if facts["meta"] == Meta.ADDED else None
        name = facts.get("instrument", "") if listing is None else listing.instrument.name
        number = self.player.next_shard[venue]
        before = fleet.shard_of(name)
        self.player.play(line)
        shard = before if listing is None else fleet.shard_of(name)
        excluded = self.span.venues and venue not in self.span.venues
        if excluded or shard is None or (listing is not None and before is not None):
            return
        wanted = self.wanted.get(venue, frozenset())
        if listing is not None and self._is_wanted(listing):
            if venue not in self.wanted:
                begins = {"resumed": True, "care": self.care[venue], "shards": {}}
                yield meta_line(line.at, Meta.VENUE, venue, **begins, next_shard=number)
            self.wanted[venue] = wanted | {name}
        elif name not in wanted:
            if any(fleet.shard_of(each) == shard for each in wanted):
                why = f"{name}, which is not in this cut, was {facts['meta']}"
                yield meta_line(line.at, Meta.ROLL, venue, why=why, next_shard=number)
            return
        told = {**facts, "next_shard": number}
        yield meta_line(line.at, told.pop("meta"), venue, **told)

    def _venue(self, line: TapeLine, facts: dict[str, Any]) -> Iterator[TapeLine]:
        if self.span.venues and line.conn not in self.span.venues:
            return
        spec = self.specs.get(line.conn)
        if spec is None:
            raise OperatorError(
                f"The tape is of {line.conn!r}, a venue that this program does not know",
                fix="`tidegauge venues` lists those we know",
            )
        shards = {
            shard: [listing for listing in listings if self._is_wanted(listing)]
            for shard, listings in _shards(spec, facts).items()
        }
        names = frozenset(each.instrument.name for kept in shards.values() for each in kept)
        self.care[line.conn] = facts.get("care", {})
        if self.span.names and not names:
            return
        self.wanted[line.conn] = self.wanted.get(line.conn, frozenset()) | names
        if not self.span.names:
            yield line
            return
        yield meta_line(
            line.at,
            Meta.VENUE,
            line.conn,
            resumed=True,
            care=facts.get("care", {}),
            shards={shard: kept for shard, kept in shards.items() if kept},
            next_shard=facts.get("next_shard", len(shards)),
            next_epoch=facts.get("next_epoch", 1),
        )

    def _is_wanted(self, listing: Listing) -> bool:
        names = self.span.names
        return not names or listing.symbol in names or listing.instrument.name in names


class _Nobody:
    """Watches nothing: a tape is played for what its fleets do."""

    def watch(self, feed: VenueFeed) -> None: ...

    def handle(self, effects: Iterable[Effect], now: Nanos) -> list[Effect]:
        return []

    def advance(self, now: Nanos) -> None: ...

    def forget(self, id_: BookId, now: Nanos) -> None: ...

    def pace(self, venue: str, every: Nanos, now: Nanos) -> None: ...


def _listing(facts: dict[str, Any]) -> Listing:
    try:
        return msgspec.convert(facts["listing"], Listing)
    except (KeyError, msgspec.ValidationError) as error:
        raise MalformedFrame(f"a meta line that tells too little: {error!r}") from None


def _shards(spec: VenueSpec, facts: dict[str, Any]) -> dict[str, list[Listing]]:
    """Return what each shard carries where a venue begins. Raises `MalformedFrame`."""
    try:
        if facts.get("resumed"):
            return msgspec.convert(facts["shards"], dict[str, list[Listing]])
        fleet = Fleet(spec)
        fleet.begin(msgspec.convert(facts["listings"], list[Listing]), 0)
    except (KeyError, msgspec.ValidationError) as error:
        raise MalformedFrame(f"a meta line that tells too little: {error!r}") from None
    return {
        shard: [
            Listing(symbol=keeper.id.symbol, instrument=keeper.instrument)
            for keeper in feed.keepers.values()
        ]
        for shard, feed in zip(fleet.shards, fleet.feeds, strict=True)
    }
