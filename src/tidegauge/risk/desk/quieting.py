"""When nobody is to be paged: silences that people made, and maintenance that was planned."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ...core.alert import AlertKey, Severity
from ...core.desk import Muted, Silence
from ...core.instrument import Nanos
from ..ruleset import HOUR, Maintenance
from .matching import fits
from .times import utc

DAY: Nanos = 24 * HOUR
_THURSDAY = 3
"""1 January 1970 was one; 0 is Monday."""


class Quiet:
    """Silences by id, and maintenance. Those that are over are dropped."""

    def __init__(self, maintenance: Sequence[Maintenance]) -> None:
        self.maintenance = maintenance
        self.silences: dict[str, Silence] = {}
        self._last: set[str] = set()

    def add(self, silence: Silence) -> None:
        """Begin a silence, now or when it starts."""
        self.silences[silence.id] = silence

    def end(self, silence_id: str, now: Nanos, actor: str) -> Silence:
        """End a silence early; one that never began ends as it would have begun."""
        silence = self.silences.pop(silence_id)
        return replace(silence, ends_at=max(now, silence.starts_at), ended_by=actor)

    def why(self, key: AlertKey, severity: Severity, now: Nanos) -> tuple[Muted, str] | None:
        """Return what keeps quiet about such an alert, and say it; None: nothing does."""
        for silence in self.silences.values():
            if silence.starts_at <= now < silence.ends_at and fits(silence.matcher, key, severity):
                self._last.add(silence.id)
                until = utc(silence.ends_at)
                why = (
                    f"silenced by {silence.author} until {until} ({silence.id}): {silence.comment}"
                )
                return Muted.SILENCED, why
        for number, planned in enumerate(self.maintenance):
            if fits(planned.matcher, key, severity):
                ends = ends_at(planned, now)
                if ends is not None:
                    self._last.add(f"{number}/")
                    return Muted.MAINTENANCE, f"maintenance {planned.name} until {utc(ends)}"
        return None

    def changed(self, now: Nanos) -> bool:
        """Whether something else keeps quiet than when this, or `why`, was last asked; drop what is
        over."""
        for silence_id in [each.id for each in self.silences.values() if each.ends_at <= now]:
            del self.silences[silence_id]
        active = {each.id for each in self.silences.values() if each.starts_at <= now}
        active |= {f"{n}/" for n, each in enumerate(self.maintenance) if ends_at(each, now)}
        before, self._last = self._last, active
        return active != before

    def restore(self, silences: Iterable[Silence]) -> None:
        """Go on with the silences of before a restart."""
        self.silences = {silence.id: silence for silence in silences}


def ends_at(planned: Maintenance, now: Nanos) -> Nanos | None:
    """Return until when it goes on; None: it does not now."""
    if planned.day_starts is None or planned.lasts is None:
        starts, ends = planned.starts_at or 0, planned.ends_at
        return ends if ends is not None and starts <= now < ends else None
    today = now // DAY
    # One that goes on past midnight began on an earlier day, and counts as that day's.
    for day in range(today, today - planned.lasts // DAY - 2, -1):
        starts = day * DAY + planned.day_starts
        weekday = (day + _THURSDAY) % 7
        if starts <= now < starts + planned.lasts and (
            not planned.weekdays or weekday in planned.weekdays
        ):
            return starts + planned.lasts
    return None
