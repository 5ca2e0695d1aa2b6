"""Lines for plotting: broken where nothing is known, thinned without losing an extreme. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median_low

from .records import Figures, Number, Point, Sample, Segment, Span, Unknown

MOST_POINTS = 2_000
"""Of one line, unless it is broken more often than that."""

LEAST_PATIENCE = timedelta(seconds=5)
INTERVALS = 5
NO_READINGS = "no readings"


def patience_of(times: Sequence[datetime], step: timedelta | None = None) -> timedelta:
    """Return how far two rows may lie apart before something is missing between them.

    Of rollups, less than two of their steps. Of readings five of the usual distances, and no less than
    5 s: a monitor reads a quiet book as often as a busy one, so that silence is a reading not taken.
    """
    if step is not None:
        return step * 1.5
    if len(times) < 2:  # noqa: PLR2004 (a distance has two ends)
        return LEAST_PATIENCE
    usual = median_low([later - earlier for earlier, later in pairwise(times)])
    return max(LEAST_PATIENCE, INTERVALS * usual)


def holes(times: Sequence[datetime], span: Span, patience: timedelta) -> list[Span]:
    """Return where in the span readings are missing: longer than `patience` without one."""
    ends = [span.since, *times, span.until]
    return [
        Span(since=earlier, until=later)
        for earlier, later in pairwise(ends)
        if later - earlier > patience
    ]


def union(spans: Iterable[Span]) -> list[Span]:
    """Return the instants of any of the spans, as spans apart from each other, in order."""
    joined: list[Span] = []
    for each in sorted(spans, key=lambda span: (span.since, span.until)):
        if joined and each.since <= joined[-1].until:
            last = joined.pop()
            joined.append(Span(since=last.since, until=max(last.until, each.until)))
        else:
            joined.append(each)
    return joined


def known_within(span: Span, unknown: Iterable[Span]) -> timedelta:
    """Return how long of the span is in none of the `unknown` ones."""
    parts = union(each.within(span) for each in unknown if each.overlaps(span))
    return span.lasts - sum((each.lasts for each in parts), timedelta())


def broken(
    samples: Sequence[Sample], unknown: Sequence[Span], patience: timedelta
) -> list[Segment]:
    """Return the samples, in time order, as segments that no gap lies in.

    A line breaks at a sample without a value, where an unknown span touches the way from one
    sample to the next, and where two samples lie further apart than `patience`.
    """
    barriers = union(unknown)
    segments: list[Segment] = []
    current: list[Point] = []
    place = 0
    for at, value in samples:
        if current:
            before = current[-1][0]
            while place < len(barriers) and barriers[place].until <= before:
                place += 1
            barred = place < len(barriers) and barriers[place].since < at
            if value is None or barred or at - before > patience:
                segments.append(tuple(current))
                current = []
        if value is not None:
            current.append((at, value))
    if current:
        segments.append(tuple(current))
    return segments


def thinned(
    segments: Sequence[Segment], span: Span, most_points: int = MOST_POINTS
) -> list[Segment]:
    """Return the segments with at most two points a bucket of time each: its least and its most.

    A line that is short enough stays as it is. Segments stay apart.
    """
    if sum(len(segment) for segment in segments) <= most_points:
        return list(segments)
    width = span.lasts / (most_points // 2)
    return [tuple(_extremes(segment, span.since, width)) for segment in segments]


def _extremes(segment: Segment, origin: datetime, width: timedelta) -> Iterator[Point]:
    bucket: list[Point] = []
    number: int | None = None
    for point in segment:
        its = (point[0] - origin) // width
        if its != number and bucket:
            yield from _least_and_most(bucket)
            bucket = []
        number = its
        bucket.append(point)
    yield from _least_and_most(bucket)


def _least_and_most(bucket: list[Point]) -> list[Point]:
    """Return the least and the most of a bucket in time order; one point where they are one."""
    least = min(range(len(bucket)), key=lambda place: bucket[place][1])
    most = max(range(len(bucket)), key=lambda place: bucket[place][1])
    return [bucket[place] for place in sorted({least, most})]


def figures_of(
    samples: Iterable[Sample],
    usual: Number | None,
    least: Iterable[Sample] | None = None,
    most: Iterable[Sample] | None = None,
) -> Figures:
    """Return a metric in numbers. `least`, `most`: where rows hold their own extremes."""
    found = [(at, value) for at, value in samples if value is not None]
    lows = found if least is None else [(at, v) for at, v in least if v is not None]
    highs = found if most is None else [(at, v) for at, v in most if v is not None]
    return Figures(
        usual=usual,
        least=min(lows, key=lambda point: (point[1], point[0])) if lows else None,
        most=min(highs, key=lambda point: (-point[1], point[0])) if highs else None,
        last=found[-1] if found else None,
    )


def missing(
    venue: str, spans: Iterable[Span], lost: Sequence[Unknown], patience: timedelta
) -> list[Unknown]:
    """Return the spans without readings that no loss of trust explains: it may be `patience` shorter."""
    own = [loss.span for loss in lost if loss.venue == venue]
    return [
        Unknown(venue=venue, span=each, reason=NO_READINGS)
        for each in spans
        if not any(
            loss.since - patience <= each.since and each.until <= loss.until + patience
            for loss in own
        )
    ]
