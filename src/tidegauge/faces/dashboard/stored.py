"""What the database keeps of the last hour: for what was before the dashboard began (`GET /history`)."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from .mirror import instant_of
from .scene import Band, Cost, Measures, Row

STEP_S = 10
REACHES = timedelta(seconds=3 * STEP_S)
"""For so long after a point nothing else is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A stretch in which a book was not to be trusted; `until` is None where it still is not."""

    since: datetime
    until: datetime | None
    trust: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """One book's past: points by their times, ascending, and the gaps between."""

    points: tuple[tuple[datetime, Measures], ...]
    gaps: tuple[Gap, ...]

    def row(self, like: Row, at: datetime) -> Row:
        """Return the book as it was; `like` says what does not change of it."""
        plain = replace(like, since=None, age_s=None, latency_s=None, phase=None, measures=None)
        for gap in self.gaps:
            if gap.since <= at and (gap.until is None or at < gap.until):
                return replace(plain, trust=gap.trust, reason=gap.reason, since=gap.since)
        place = bisect_right(self.points, at, key=lambda point: point[0])
        if not place or at - self.points[place - 1][0] > REACHES:
            return replace(plain, trust="unknown", reason="nothing is stored of then")
        return replace(plain, trust="live", reason="", measures=self.points[place - 1][1])

    def trend(self, name: str) -> Iterator[tuple[datetime, float]]:
        """Return how a z-score was, or with the names `spread` and `imbalance` those themselves."""
        for at, measures in self.points:
            value = measures.z.get(name)
            if value is not None:
                yield at, value


def stored_of(answer: Any) -> Stored | None:
    """Return what the API answered; None where that is no history. What is odd in it is left out."""
    if not isinstance(answer, Mapping) or not isinstance(answer.get("points"), list):
        return None
    points = [
        (at, _measures(point))
        for point in answer["points"]
        if isinstance(point, Mapping) and (at := instant_of(point.get("at"))) is not None
    ]
    gaps = [gap for each in answer.get("trust") or () if (gap := _gap(each)) is not None]
    return Stored(points=tuple(sorted(points, key=lambda point: point[0])), gaps=tuple(gaps))


def _gap(told: Any) -> Gap | None:
    if not isinstance(told, Mapping):
        return None
    since = instant_of(told.get("since", told.get("from")))
    if since is None:
        return None
    return Gap(
        since=since,
        until=instant_of(told.get("until", told.get("to"))),
        trust=str(told.get("trust")),
        reason=str(told.get("reason")),
    )


def _measures(point: Mapping[str, Any]) -> Measures:
    return Measures(
        mid=_exact(point.get("mid")),
        spread_bps=_number(point.get("spread_bps")),
        imbalance=_number(point.get("imbalance")),
        bands=dict(_bands(point.get("bands"))),
        costs=dict(_costs(point.get("slippage"))),
        z={"depth": _number(point.get("depth_z")), "spread": _number(point.get("spread_z"))},
    )


def _bands(told: Any) -> Iterator[tuple[int, Band]]:
    for name, both in told.items() if isinstance(told, Mapping) else ():
        if str(name).isdecimal() and isinstance(both, list) and len(both) == 2:  # noqa: PLR2004
            bid, ask = map(_exact, both)
            if bid is not None and ask is not None:
                yield int(name), Band(bid=bid, ask=ask)


def _costs(told: Any) -> Iterator[tuple[tuple[str, Decimal], Cost]]:
    for name, value in told.items() if isinstance(told, Mapping) else ():
        side, _, size = str(name).partition(" ")
        notional = _exact(size)
        if notional is not None:
            yield (side, notional), Cost(bps=_number(value))


def _exact(value: Any) -> Decimal | None:
    try:
        found = Decimal(value) if isinstance(value, (str, int)) else None
    except InvalidOperation:
        return None
    return found if found is not None and found.is_finite() else None


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None
