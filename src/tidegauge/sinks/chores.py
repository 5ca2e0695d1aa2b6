"""Decides what the database's history needs done, and when. Pure: time is an argument.

Days are made ahead, so that no row ever waits for one. A minute is rolled up shortly after it ended,
and once more a minute later, for readings that were under way. Every hour, hours with readings that
came later still are looked for. Once a day, days that are not kept any more are dropped.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TypeAlias

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

GRACE = timedelta(seconds=5)
"""What a reading may take from the venue to the table."""

REST = MINUTE
"""How long a chore that failed is left alone."""


@dataclass(frozen=True, slots=True)
class MakeDays:
    """Make the partitions from the first day to the last."""

    first: date
    last: date


@dataclass(frozen=True, slots=True)
class RollUp:
    """Roll up the minutes from `since` to `until`: an hour at most."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class CatchUp:
    """Roll up those hours from `since` to `until` that have readings no minute counts."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Prune:
    """Drop the days that are not kept."""

    keep_days: int


Chore: TypeAlias = MakeDays | RollUp | CatchUp | Prune


class Chores:
    """What was done, and so what is due. `rolled_until`: up to when minutes are rolled up."""

    def __init__(self, *, keep_days: int | None, days_ahead: int) -> None:
        self.rolled_until: datetime | None = None
        self._keep_days = keep_days
        self._days_ahead = days_ahead
        self._made_at: datetime | None = None
        self._caught_up: datetime | None = None
        self._pruned_on: date | None = None
        self._resting: dict[type[Chore], datetime] = {}

    def begin(self, newest: datetime | None, now: datetime) -> None:
        """Begin an hour before `newest`: the newest row rolled up, or the oldest that is not.

        None: there is nothing to roll up yet.
        """
        begin = below(now, MINUTE) if newest is None else below(min(newest, now), HOUR) - HOUR
        self.rolled_until = begin

    def due(self, now: datetime) -> list[Chore]:
        """Return what is to be done now, in this order."""
        found = (self._days(now), self._minutes(now), self._late_hours(now), self._old_days(now))
        return [
            chore
            for chore in found
            if chore is not None and self._resting.get(type(chore), now) <= now
        ]

    def done(self, chore: Chore, now: datetime) -> None:
        """Note that a chore was done."""
        self._resting.pop(type(chore), None)
        match chore:
            case MakeDays():
                self._made_at = now
            case RollUp():
                self.rolled_until = chore.until
            case CatchUp():
                self._caught_up = chore.until
            case Prune():
                self._pruned_on = now.date()

    def failed(self, chore: Chore, now: datetime) -> None:
        """Note that a chore was not done: it rests, and the others go on."""
        self._resting[type(chore)] = now + REST

    def wait(self, now: datetime) -> timedelta:
        """Return how long nothing new comes due: until the next minute ended."""
        return below(now - GRACE, MINUTE) + MINUTE + GRACE - now

    def _days(self, now: datetime) -> MakeDays | None:
        made = self._made_at
        if made is not None and now - made < HOUR and made.date() == now.date():
            return None
        return MakeDays(now.date(), now.date() + self._days_ahead * DAY)

    def _minutes(self, now: datetime) -> RollUp | None:
        ended = below(now - GRACE, MINUTE)
        if self.rolled_until is None or ended <= self.rolled_until:
            return None
        since = self.rolled_until - MINUTE
        return RollUp(since, min(ended, below(self.rolled_until, HOUR) + HOUR))

    def _late_hours(self, now: datetime) -> CatchUp | None:
        ended = below(now - GRACE, HOUR)
        if ended == self._caught_up or self._behind(now):
            return None
        return CatchUp(ended - DAY, ended)

    def _old_days(self, now: datetime) -> Prune | None:
        if self._keep_days is None or self._pruned_on == now.date() or self._behind(now):
            return None
        return Prune(self._keep_days)

    def _behind(self, now: datetime) -> bool:
        """Whether there is more to roll up than the last minutes."""
        return self.rolled_until is None or below(now, MINUTE) - self.rolled_until > HOUR


def below(at: datetime, width: timedelta) -> datetime:
    """Return the whole minute or hour (UTC) that `at` is in."""
    return at - (at - EPOCH) % width
