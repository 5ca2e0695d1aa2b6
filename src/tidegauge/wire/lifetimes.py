"""When to replace a connection that its venue would end: at an hour that the operator chose."""

from dataclasses import dataclass

from tidegauge.core.instrument import SECOND, Nanos

DAY: Nanos = 86_400 * SECOND

MARGIN = 1 / 100
"""How much of its life a connection leaves unused: a quarter of an hour of a day."""

SCATTER = 1 / 24
"""Over how much of a life rolls are scattered, so that they do not all come at once."""


@dataclass(frozen=True, slots=True)
class Hours:
    """A span of every day, UTC: from `start` after midnight, `length` long."""

    start: Nanos
    length: Nanos


def roll_due(
    opened_at: Nanos, lifetime: Nanos, hours: Hours | None = None, *, chance: float = 0.0
) -> Nanos:
    """Return when to replace a connection that was opened at `opened_at`, UTC.

    As late as its life and the hours allow, less a part that `chance` (0 to 1) draws. A day's life
    reaches the next day's hours a little less than a day later, so rolls creep towards their
    beginning: the one that would fall before it is made at the end of the same day's hours. Where
    a life does not reach any of the hours, it is used up.
    """
    latest = opened_at + int(lifetime * (1 - MARGIN))
    scatter = int(lifetime * SCATTER)
    if hours is not None:
        begins = latest - (latest - hours.start) % DAY
        ends = min(latest, begins + hours.length)
        part = min(scatter, hours.length // 4)
        earliest = max(begins, opened_at + part)
        if ends >= earliest:
            return ends - int(min(part, ends - earliest) * chance)
    return latest - int(scatter * chance)
