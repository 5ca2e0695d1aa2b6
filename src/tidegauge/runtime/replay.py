"""Plays recorded frames back through the same code that reads live ones.

A replay notifies nobody and writes to no table. A tape of a whole run ends with the hash of what
the run found; a replay must find the same, bit for bit.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from tidegauge import venues
from tidegauge.core.alert import Alert, AlertState
from tidegauge.core.desk import Order
from tidegauge.core.errors import MalformedFrame, OperatorError
from tidegauge.core.events import FeedEvent
from tidegauge.core.instrument import SECOND, Nanos
from tidegauge.risk.ruleset import RuleSet
from tidegauge.wire.feed import Observer, VenueFeed
from tidegauge.wire.tape import Meta, TapeKind, TapeLine

from .bare_frames import bare_frames
from .digest import Digest
from .monitor import Monitor, MonitorPlan, Record
from .tape_file import GoodPart, TapeReader, tapes_in
from .tape_player import TapePlayer, header_of

TICK = SECOND


def read_tape(path: Path) -> Iterator[TapeLine]:
    """Iterate over the lines of a tape. Raises `OperatorError` where it cannot go on."""
    return iter(reader_of(path))


def reader_of(path: Path) -> TapeReader:
    """Return the reader of one file, bare frames included."""
    return TapeReader(path, bare_frames(venues.load().values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class BookOutcome:
    """How one book ended."""

    venue: str
    symbol: str
    trust: str
    updates: int
    level_changes: int
    sequence: int
    best_bid: Decimal | None
    best_ask: Decimal | None
    bid_levels: int
    ask_levels: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayOutcome:
    """What a replay found.

    `hash` is over every reading and alert, in order: equal hashes are equal readings, bit for bit.
    Of a tape of ours it is over what the run stored; `live_hash` is the run's own, None where the
    tape does not hold it, and `incomparable` says why it cannot be compared. `damage` is what ended
    the replay before the end of the tape.
    """

    tape: str
    frames: int
    first_at: Nanos
    last_at: Nanos
    gaps: int
    resyncs: int
    malformed: int
    readings: int
    alerts: tuple[Alert, ...]
    books: tuple[BookOutcome, ...]
    hash: str
    live_hash: str | None
    incomparable: str | None
    damage: str | None
    elapsed_s: float

    @property
    def equal(self) -> bool | None:
        """Whether the replay found what the live run did; None: it cannot be told."""
        if self.live_hash is None or self.incomparable is not None or self.damage is not None:
            return None
        return self.live_hash == self.hash


@dataclass(slots=True)
class _Tally:
    """What is kept of all that a monitor emits."""

    alerts: dict[str, Alert] = field(default_factory=dict)
    digest: Digest = field(default_factory=Digest)

    def take(self, record: Record) -> None:
        self.digest.take(record)
        if isinstance(record, Alert) and record.state in (AlertState.FIRING, AlertState.RESOLVED):
            self.alerts[record.id] = record


@dataclass(slots=True)
class _Pace:
    """The span of a tape, and how fast it is played."""

    speed: float | None
    began: float
    first_at: Nanos | None = None
    last_at: Nanos = 0

    def keep(self, at: Nanos) -> None:
        """Wait until a line is due."""
        self.first_at = at if self.first_at is None else self.first_at
        self.last_at = at
        if self.speed is not None:
            due = (at - self.first_at) / SECOND / self.speed
            ahead = due - (time.monotonic() - self.began)
            if ahead > 0:
                time.sleep(ahead)


@dataclass(slots=True)
class _Run:
    """What the meta lines of a tape say of the run that it is of."""

    live_hash: str | None = None
    incomparable: str | None = None
    segment: int | None = None

    def hear(self, line: TapeLine) -> None:
        facts = line.facts
        match facts["meta"]:
            case Meta.TAPE:
                segment = facts.get("segment", 0)
                if segment != (0 if self.segment is None else self.segment + 1):
                    self._spoil(f"the tape begins with part {segment}, not 0")
                if facts.get("cut"):
                    self._spoil("it is cut from a longer one")
                self.segment = segment
            case Meta.GAP:
                self._spoil(f"{facts.get('lines')} lines were not recorded")
            case Meta.END:
                self.live_hash = facts.get("sha256")
                if facts.get("went_on"):
                    self._spoil("the run went on with what an earlier one had kept")

    def _spoil(self, why: str) -> None:
        self.incomparable = self.incomparable or why


def replay(
    tape: Path | Sequence[Path],
    plan: MonitorPlan,
    *,
    speed: float | None = None,
    progress: Callable[[int], None] | None = None,
    observer: Observer | None = None,
) -> ReplayOutcome:
    """Play a tape, or the parts of one; `speed` None is as fast as it goes, 1 as it was recorded.

    A tape of ours brings the plan that the run was made with, and `plan` is not used. `progress` is
    told how many lines were played, now and then. Raises `OperatorError` if there is nothing to
    play; where a tape is damaged, what comes before is played, and `damage` tells of it.
    """
    clock = _Pace(speed, time.monotonic())
    paths = tapes_in([tape] if isinstance(tape, Path) else tape)
    lines = GoodPart([reader_of(path) for path in paths])
    header = header_of(lines)
    tally, run = _Tally(), _Run()
    monitor, player = _monitor_and_player(plan, header, tally, observer)
    if header is None:
        try:
            player.prepare(lines)
        except OperatorError as error:
            place = lines.damage or f"{paths[0]}: {error.what}"
            raise OperatorError(str(place), fix=error.fix) from None
    damage: str | None = None
    try:
        for number, line in enumerate(lines):
            clock.keep(line.at)
            if line.kind is TapeKind.META:
                run.hear(line)
            player.play(line)
            if progress is not None and number % 1000 == 0:
                progress(number)
        player.finish()
    except (MalformedFrame, OperatorError) as error:
        damage = f"{lines.place}: {error}"
    if lines.damage is not None:
        damage = str(lines.damage)
    if header is not None and not player.frames and damage is not None:
        raise OperatorError(damage)
    counts = [fleet.counts for fleet in player.fleets.values()]
    return ReplayOutcome(
        tape=paths[0].name if len(paths) == 1 else f"{len(paths)} tapes",
        frames=player.frames,
        first_at=clock.first_at or 0,
        last_at=clock.last_at,
        gaps=sum(each.gaps for each in counts),
        resyncs=sum(each.resyncs for each in counts),
        malformed=sum(each.malformed for each in counts),
        readings=monitor.readings,
        alerts=tuple(tally.alerts.values()),
        books=tuple(_book_outcome(feed, name) for feed in player.feeds for name in feed.keepers),
        hash=tally.digest.hexdigest(),
        live_hash=run.live_hash,
        incomparable=run.incomparable,
        damage=damage,
        elapsed_s=time.monotonic() - clock.began,
    )


def _monitor_and_player(
    plan: MonitorPlan, header: dict[str, Any] | None, tally: _Tally, observer: Observer | None
) -> tuple[Monitor, TapePlayer]:
    if header is None:
        plan = replace(plan, write_every=0)
    else:
        try:
            plan = msgspec.convert(header["plan"], MonitorPlan)
        except (KeyError, msgspec.ValidationError) as error:
            raise OperatorError(
                f"The header of the tape does not tell what was measured: {error}",
                fix="It was written by another version of Tidegauge",
            ) from None
    # A monitor that is told of time too seldom leaves samples out.
    beat = min(TICK, 10 * plan.sample_every)
    monitor = Monitor(plan, tally.take)
    specs = venues.load().values()
    own = header is not None

    def instructed(wanted: Order | RuleSet | FeedEvent, now: Nanos) -> None:
        match wanted:
            case Order():
                monitor.order(wanted, now)
            case RuleSet():
                monitor.adopt(wanted, now)
            case FeedEvent():
                monitor.heard(wanted)

    player = TapePlayer(
        monitor, specs, own=own, beat=beat, observer=observer, instructed=instructed
    )
    return monitor, player


def _book_outcome(feed: VenueFeed, name: str) -> BookOutcome:
    keeper = feed.keepers[name]
    bid, ask = keeper.book.best_bid, keeper.book.best_ask
    return BookOutcome(
        venue=keeper.id.venue,
        symbol=keeper.id.symbol,
        trust=keeper.trust,
        updates=keeper.updates,
        level_changes=keeper.changes,
        sequence=keeper.sequence,
        best_bid=None if bid is None else Decimal(bid),
        best_ask=None if ask is None else Decimal(ask),
        bid_levels=len(keeper.book.bids),
        ask_levels=len(keeper.book.asks),
    )
