"""Two rule sets beside each other: on the same drills with the same seeds, and on the same tapes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tidegauge.core.instrument import SECOND, Nanos

from .drill_outcome import AlertSeen
from .drill_scorecard import Line, Scorecard
from .tape_rehearsal import TapeSeen

SAME: Nanos = SECOND // 2
"""Delays that differ by less are equal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """One thing that one of the rule sets is better at: `better` is 0 or 1; `figures` of both."""

    what: str
    better: int
    figures: tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two rule sets, by the names of their files. Of `tapes` both saw each."""

    names: tuple[str, str]
    drills: tuple[Scorecard, Scorecard]
    tapes: tuple[tuple[TapeSeen, TapeSeen], ...]
    edges: tuple[Edge, ...]


def compared(
    names: tuple[str, str],
    drills: tuple[Scorecard, Scorecard],
    tapes: Sequence[tuple[TapeSeen, TapeSeen]],
) -> Comparison:
    """Say which of two is better at what; fewer alerts on a tape are only another number: whether
    they were true is for a person to say."""
    edges = [
        edge
        for one, other in zip(drills[0].lines, drills[1].lines, strict=True)
        for edge in _edges(one, other)
    ]
    return Comparison(names=names, drills=drills, tapes=tuple(tapes), edges=tuple(edges))


def _edges(one: Line, other: Line) -> Iterator[Edge]:
    name = one.drill
    counts = (
        ("false alerts in", one.false_alerts, other.false_alerts),
        ("what was missed in", one.missed, other.missed),
        ("incidents in", one.incidents, other.incidents),
        ("pages in", one.pages, other.pages),
    )
    for what, first, second in counts:
        # Fewer incidents and pages are no merit of rules that did not see what happened.
        seen = what.startswith(("false", "what")) or one.missed == other.missed
        if first != second and seen:
            figures = f"{first:,}", f"{second:,}"
            yield Edge(what=f"{what} {name}", better=int(second < first), figures=figures)
    if one.after is not None and other.after is not None and abs(one.after - other.after) > SAME:
        figures = f"{one.after / SECOND:.1f} s", f"{other.after / SECOND:.1f} s"
        yield Edge(
            what=f"the delay in {name}", better=int(other.after < one.after), figures=figures
        )


def matched(
    first: Sequence[AlertSeen], second: Sequence[AlertSeen]
) -> list[tuple[AlertSeen | None, AlertSeen | None]]:
    """Pair the alerts of two that saw the same, by what they are of and when they fired: those of one
    kind that overlap. An alert that only one has stands alone. By time."""
    left = list(second)
    pairs: list[tuple[AlertSeen | None, AlertSeen | None]] = []
    for one in first:
        other = next((each for each in left if _same(one, each)), None)
        if other is not None:
            left.remove(other)
        pairs.append((one, other))
    pairs += [(None, other) for other in left]
    return sorted(pairs, key=_when)


def _same(one: AlertSeen, other: AlertSeen) -> bool:
    if (one.signal, one.symbol, one.venue) != (other.signal, other.symbol, other.venue):
        return False
    return _before(one.fired_at, other.ended_at) and _before(other.fired_at, one.ended_at)


def _before(at: Nanos, end: Nanos | None) -> bool:
    return end is None or at <= end


def _when(pair: tuple[AlertSeen | None, AlertSeen | None]) -> Nanos:
    return min(each.fired_at for each in pair if each is not None)
