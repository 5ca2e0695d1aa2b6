"""Plays a recorded tape to a rule set of one's own, as a drill: nobody is notified, nothing is stored.

What the tape says of the rules and orders of its own day is passed over.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from tidegauge import venues
from tidegauge.core.errors import MalformedFrame, OperatorError
from tidegauge.core.instrument import DAY, HOUR, SECOND, BookId, Nanos, VenueName
from tidegauge.wire.effects import Effect
from tidegauge.wire.feed import VenueFeed

from .drill_notes import DrillNotes
from .drill_outcome import AlertSeen, IncidentSeen, PageSeen
from .monitor import Monitor, MonitorPlan
from .replay import TICK, reader_of
from .tape_file import GoodPart, tapes_in
from .tape_player import TapePlayer, header_of

_NEVER: Nanos = 365 * DAY
TOLD_EVERY = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class TapeSeen:
    """What a rule set made of a tape. Times are UTC; `hours` is the span. `damage`: why it ended
    before the tape did."""

    tape: str
    hours: float
    books: int
    alerts: tuple[AlertSeen, ...]
    incidents: tuple[IncidentSeen, ...]
    pages: tuple[PageSeen, ...]
    damage: str | None


class _Watcher:
    """A monitor, and the desk that its alerts go to."""

    def __init__(self, plan: MonitorPlan) -> None:
        self.notes = DrillNotes(plan.rules.desk, 0, lambda _alert: None)
        self._monitor = Monitor(replace(plan, write_every=_NEVER), self.notes.take)
        self._ticked_at: Nanos = 0
        self.books = 0

    def watch(self, feed: VenueFeed) -> None:
        self._monitor.watch(feed)
        self.books = max(self.books, self._monitor.watched)

    def handle(self, effects: Iterable[Effect], now: Nanos) -> list[Effect]:
        return self._monitor.handle(effects, now)

    def advance(self, now: Nanos) -> None:
        self._monitor.advance(now)
        if now - self._ticked_at >= SECOND:
            self._ticked_at = now
            self.notes.desk.tick(now)

    def forget(self, id_: BookId, now: Nanos) -> None:
        self._monitor.forget(id_, now)

    def pace(self, venue: VenueName, every: Nanos, now: Nanos) -> None:
        """Here nobody is behind."""


def rehearse_tape(
    tape: Path, plan: MonitorPlan, progress: Callable[[int], None] | None = None
) -> TapeSeen:
    """Play a tape, or the folder of its parts, as fast as it goes, by the rules of `plan`.

    `progress` is told how many lines were played. Raises `OperatorError` if there is nothing to play.
    """
    paths = tapes_in([tape])
    lines = GoodPart([reader_of(path) for path in paths])
    own = header_of(lines) is not None
    watcher = _Watcher(plan)
    beat = min(TICK, 10 * plan.sample_every)
    player = TapePlayer(watcher, venues.load().values(), own=own, beat=beat)
    if not own:
        player.prepare(lines)
    damage: str | None = None
    first_at = last_at = None
    try:
        for number, line in enumerate(lines, start=1):
            first_at, last_at = line.at if first_at is None else first_at, line.at
            player.play(line)
            if progress is not None and number % TOLD_EVERY == 0:
                progress(number)
        player.finish()
    except (MalformedFrame, OperatorError) as error:
        damage = f"{lines.place}: {error}"
    if lines.damage is not None:
        damage = str(lines.damage)
    notes = watcher.notes
    return TapeSeen(
        tape=tape.name,
        hours=0.0 if first_at is None or last_at is None else (last_at - first_at) / HOUR,
        books=watcher.books,
        alerts=tuple(notes.alerts.values()),
        incidents=tuple(notes.incidents.values()),
        pages=tuple(notes.pages),
        damage=damage,
    )
