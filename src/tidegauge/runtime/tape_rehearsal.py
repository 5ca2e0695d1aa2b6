"""Plays a recorded tape to a rule set of one's own, as a drill: nobody is notified, nothing is stored.

What the tape says of the rules and orders of its own day is passed over.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from tidegauge import venues
from tidegauge.core.errors import MalformedFrame, OperatorError
from tidegauge.core.instrument import DAY, HOUR, Nanos

from .drill_notes import DrillNotes, unheard
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


def rehearse_tape(
    tape: Path, plan: MonitorPlan, progress: Callable[[int], None] | None = None
) -> TapeSeen:
    """Play a tape, or the folder of its parts, as fast as it goes, by the rules of `plan`.

    `progress` is told how many lines were played. Raises `OperatorError` if there is nothing to play.
    """
    paths = tapes_in([tape])
    lines = GoodPart([reader_of(path) for path in paths])
    own = header_of(lines) is not None
    notes = DrillNotes(0, lambda _alert: None)
    rehearsed = replace(plan, rules=unheard(plan.rules), write_every=_NEVER)
    monitor = Monitor(rehearsed, notes.take)
    beat = min(TICK, 10 * plan.sample_every)
    player = TapePlayer(monitor, venues.load().values(), own=own, beat=beat)
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
    return TapeSeen(
        tape=tape.name,
        hours=0.0 if first_at is None or last_at is None else (last_at - first_at) / HOUR,
        books=len({keeper.id for feed in player.feeds for keeper in feed.keepers.values()}),
        alerts=tuple(notes.alerts.values()),
        incidents=tuple(notes.incidents.values()),
        pages=tuple(notes.pages),
        damage=damage,
    )
